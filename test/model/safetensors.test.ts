import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { decode, encode } from "../../src/model/safetensors.ts"
import type { Tensor, Weights } from "../../src/model/Tensor.ts"

/** A tensor with exactly these bits. */
const tensorOfBits = (shape: ReadonlyArray<number>, bits: ReadonlyArray<number>): Tensor => ({
  shape,
  data: new Float32Array(Int32Array.from(bits).buffer)
})

const bitsOf = (weights: Weights) =>
  Array.from(weights, ([name, { data, shape }]) => ({
    name,
    shape,
    bits: [...new Int32Array(data.buffer, data.byteOffset, data.length)]
  })).sort((a, b) => (a.name < b.name ? -1 : 1))

const reasonOf = (bytes: Uint8Array) => {
  const result = decode(bytes)
  return Result.isFailure(result) ? result.failure.reason : "none"
}

/** A file with this header and so many bytes of data. */
const fileOf = (header: unknown, size: number) => {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + size)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}

const Bits = Schema.Int.check(Schema.isBetween({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }))
// Without backslashes: once a key that ends in one was parsed, V8's JSON.parse takes a later key with an escape at the
// same place for it. See https://github.com/nodejs/node/issues/63785
const Key = Schema.String.check(Schema.makeFilter((key) => key !== "__metadata__" && !key.includes("\\")))
const Tensors = Schema.Array(
  Schema.Struct({
    name: Key,
    columns: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 })),
    bits: Schema.Array(Bits).check(Schema.isMaxLength(6))
  })
).check(Schema.isMaxLength(5))
const Metadata = Schema.Record(Key, Schema.String)

it.effect.prop("any bits, names and metadata come back as they were", [Tensors, Metadata], ([tensors, metadata]) =>
  Effect.gen(function* () {
    const weights: Weights = new Map(
      tensors.map(({ bits, columns, name }) => {
        const rows = Math.floor(bits.length / columns)
        return [name, tensorOfBits([rows, columns], bits.slice(0, rows * columns))]
      })
    )
    const bytes = encode(weights, metadata)
    const decoded = yield* Effect.fromResult(decode(bytes))
    assert.deepStrictEqual(bitsOf(decoded.tensors), bitsOf(weights))
    assert.deepStrictEqual(decoded.metadata, metadata)
    assert.deepStrictEqual(encode(weights, metadata), bytes)
    assert.strictEqual(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8, 0)
  })
)

it("a NaN's payload, -0 and subnormals keep their bits", () => {
  const weights = new Map([
    ["x", tensorOfBits([2, 3], [0x7fa00001, -0x400001, -0x80000000, 1, 0x7f800000, 0x3f800000])]
  ])
  const decoded = Result.getOrThrow(decode(encode(weights)))
  assert.deepStrictEqual(bitsOf(decoded.tensors), bitsOf(weights))
})

it("a part of a larger array is written alone", () => {
  const all = Float32Array.of(1, 2, 3, 4)
  const bytes = encode(new Map([["part", { shape: [2], data: all.subarray(1, 3) }]]))
  assert.deepStrictEqual([...Result.getOrThrow(decode(bytes)).tensors.get("part")!.data], [2, 3])
})

// Written by the Python package safetensors 0.8.0 from PyTorch tensors: F16, BF16, F32 and an I64.
const ofPython = Uint8Array.from(
  atob(
    "IAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJwdCJ9LCJibi5udW1fYmF0Y2hlc190cmFja2VkIjp7ImR0eXBlIjoiSTY0Iiwic2hh" +
      "cGUiOltdLCJkYXRhX29mZnNldHMiOlswLDhdfSwic2luZ2xlIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsyLDFdLCJkYXRhX29mZnNldHMiOls4" +
      "LDE2XX0sImJyYWluIjp7ImR0eXBlIjoiQkYxNiIsInNoYXBlIjpbM10sImRhdGFfb2Zmc2V0cyI6WzE2LDIyXX0sImhhbGYiOnsiZHR5cGUiOiJG" +
      "MTYiLCJzaGFwZSI6WzIsM10sImRhdGFfb2Zmc2V0cyI6WzIyLDM0XX19ICAHAAAAAAAAAM3MzD0AACDASUCW/gEAAD4AgP97AQAAfFW1"
  ),
  (character) => character.charCodeAt(0)
)

it("a file of the reference implementation is read, half precision exactly", () => {
  const { metadata, tensors } = Result.getOrThrow(decode(ofPython, (name) => !name.endsWith("num_batches_tracked")))
  assert.deepStrictEqual(metadata, { format: "pt" })
  assert.deepStrictEqual(
    Array.from(tensors, ([name, { data, shape }]) => [name, shape, [...data]]),
    [
      ["single", [2, 1], [0.10000000149011612, -2.5]],
      ["brain", [3], [3.140625, -9.969209968386869e37, 9.183549615799121e-41].map(Math.fround)],
      ["half", [2, 3], [1.5, -0, 65504, 5.960464477539063e-8, Infinity, -0.333251953125]]
    ]
  )
})

it("every half-precision number becomes the same single-precision one", () => {
  const bytes = fileOf({ all: { dtype: "F16", shape: [65536], data_offsets: [0, 131072] } }, 131072)
  const view = new DataView(bytes.buffer, bytes.length - 131072)
  for (let i = 0; i < 65536; i++) view.setUint16(2 * i, i, true)
  const { data } = Result.getOrThrow(decode(bytes)).tensors.get("all")!
  for (let i = 0; i < 65536; i++) {
    const [exponent, fraction] = [(i >> 10) & 31, i & 1023]
    const size =
      exponent === 31
        ? fraction === 0
          ? Infinity
          : Number.NaN
        : exponent === 0
          ? fraction * 2 ** -24
          : 2 ** (exponent - 15) * (1 + fraction / 1024)
    const expected = i < 32768 ? size : -size
    if (!Object.is(data[i], expected)) assert.fail(`${i}: ${data[i]} and not ${expected}`)
  }
})

it("a file is read whatever its header's length: its first byte may be that of a JSON text or a page", () => {
  for (let padding = 0; padding < 256; padding++) {
    const bytes = fileOf(`{"__metadata__":{"mean":"0.1"}${" ".repeat(padding)}}`, 0)
    assert.deepStrictEqual(Result.getOrThrow(decode(bytes)).metadata, { mean: "0.1" })
  }
})

it("what cannot be read is refused for its reason", () => {
  const f32 = (shape: ReadonlyArray<number>, from: number, to: number) => ({
    dtype: "F32",
    shape,
    data_offsets: [from, to]
  })
  const tooLarge = new Uint8Array(16)
  new DataView(tooLarge.buffer).setBigUint64(0, 2n ** 63n, true)
  const cases: ReadonlyArray<readonly [string, Uint8Array]> = [
    ["truncated", new Uint8Array(7)],
    ["headerTooLarge", tooLarge],
    ["truncated", fileOf({}, 0).subarray(0, 9)],
    ["notJson", fileOf("{", 0)],
    ["notJson", fileOf("", 0)],
    ["invalidHeader", fileOf("[]", 0)],
    ["invalidHeader", fileOf("null", 0)],
    ["invalidHeader", fileOf({ a: 1 }, 0)],
    ["invalidHeader", fileOf({ a: { dtype: "F32", shape: [-1], data_offsets: [0, 4] } }, 4)],
    ["invalidHeader", fileOf({ a: { dtype: "F32", shape: [1], data_offsets: [0] } }, 4)],
    ["invalidHeader", fileOf({ __metadata__: { a: 1 } }, 0)],
    ["unsupportedDtype", ofPython],
    ["unsupportedDtype", fileOf({ a: { ...f32([1], 0, 4), dtype: "toString" } }, 4)],
    ["truncated", fileOf({ a: f32([2], 0, 8) }, 4)],
    ["invalidOffsets", fileOf({ a: f32([1], 0, 8) }, 8)],
    ["invalidOffsets", fileOf({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8)],
    ["invalidOffsets", fileOf({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12)],
    ["invalidOffsets", fileOf({ a: f32([1], 4, 8) }, 8)],
    ["invalidOffsets", fileOf({ a: f32([1], 4, 0) }, 4)],
    ["invalidOffsets", fileOf({ a: f32([1], 0, 4) }, 5)],
    ["invalidOffsets", fileOf({ a: f32([2 ** 50, 2 ** 50], 0, 4) }, 4)]
  ]
  assert.deepStrictEqual(
    cases.map(([, bytes]) => reasonOf(bytes)),
    cases.map(([reason]) => reason)
  )
})

it.effect.prop(
  "a file that is cut is never read as if it were whole",
  [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: ofPython.length - 1 }))],
  ([length]) => Effect.sync(() => assert.isTrue(Result.isFailure(decode(ofPython.subarray(0, length), () => false))))
)

it("a tensor that does not fit its shape, or has the metadata's name, is not written", () => {
  assert.throws(() => encode(new Map([["a", { shape: [2, 2], data: new Float32Array(3) }]])), RangeError)
  assert.throws(() => encode(new Map([["__metadata__", { shape: [1], data: new Float32Array(1) }]])), RangeError)
})

const weights = "../shared/weights/mobilenetv2_100.safetensors"

describe.skipIf(!existsSync(weights))("real weights", () => {
  it("of a hub are read, and written again with the same bits", () => {
    const read = Result.getOrThrow(decode(readFileSync(weights)))
    assert.strictEqual(read.tensors.size, 262)
    assert.strictEqual(read.metadata["format"], "pt")
    const again = Result.getOrThrow(decode(encode(read.tensors, read.metadata)))
    assert.deepStrictEqual([...again.tensors.keys()], [...read.tensors.keys()])
    for (const [name, { data, shape }] of again.tensors) {
      assert.deepStrictEqual(shape, read.tensors.get(name)!.shape)
      assert.isTrue(Buffer.from(data.buffer).equals(Buffer.from(read.tensors.get(name)!.data.buffer)), name)
    }
  })
})
