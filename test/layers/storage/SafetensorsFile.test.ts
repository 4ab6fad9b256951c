import { assert, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileHeader, fileTensors } from "../../../src/layers/storage/SafetensorsFile.ts"
import { decode } from "../../../src/model/safetensors.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const bytesOf = { F32: 4, F16: 2, BF16: 2, I64: 8 }
const Dtype = Schema.Literals(["F32", "F16", "BF16", "I64"])

/** A file of tensors whose bytes take every value. */
const fileOf = (tensors: ReadonlyArray<readonly [dtype: typeof Dtype.Type, shape: ReadonlyArray<number>]>) => {
  let size = 0
  const entries = tensors.map(([dtype, shape], i) => {
    const offsets = [size, (size += shape.reduce((n, side) => n * side, bytesOf[dtype]))]
    return [`t${i}`, { dtype, shape, data_offsets: offsets }]
  })
  const header = new TextEncoder().encode(
    JSON.stringify({ __metadata__: { mean: "0.1" }, ...Object.fromEntries(entries) })
  )
  const bytes = Buffer.alloc(8 + header.length + size)
  bytes.writeBigUInt64LE(BigInt(header.length))
  bytes.set(header, 8)
  for (let i = 0; i < size; i++) bytes[8 + header.length + i] = (i * 31 + (i >> 8) * 7) % 256
  return bytes
}

const bits = (data: Float32Array) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex")

const Shape = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))).check(Schema.isMaxLength(3))

it.effect.prop(
  "a file's tensors are those of the same bytes in memory, bit for bit",
  [Schema.Array(Schema.Tuple([Dtype, Shape])).check(Schema.isMaxLength(5))],
  ([tensors]) =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "a.safetensors")
      const bytes = fileOf(tensors)
      writeFileSync(path, bytes)
      const wanted = new Set(tensors.flatMap(([dtype], i) => (dtype === "I64" || i % 3 === 2 ? [] : [`t${i}`])))
      const expected = Result.getOrThrow(decode(bytes, (name) => wanted.has(name)))
      const header = yield* fileHeader(path)
      const found = yield* fileTensors(path, wanted)
      assert.deepStrictEqual(header.metadata, expected.metadata)
      assert.deepStrictEqual(
        header.listings.map(({ name, shape }) => [name, shape]).sort(),
        tensors.map(([, shape], i) => [`t${i}`, shape]).sort()
      )
      assert.deepStrictEqual([...found.keys()], [...expected.tensors.keys()])
      for (const [name, { data, shape }] of found) {
        assert.deepStrictEqual(shape, expected.tensors.get(name)!.shape)
        assert.strictEqual(bits(data), bits(expected.tensors.get(name)!.data))
      }
    }),
  { arbitrary: { runs: 30 } }
)

it.effect("tensors larger than a piece are put together right, in each type of number", () =>
  Effect.gen(function* () {
    const path = join(yield* temporaryFolder, "a.safetensors")
    // 9.4 MB, 5.2 MB and 4.4 MB, where a piece has 4 MiB.
    const bytes = fileOf([
      ["F32", [1111, 2117]],
      ["F16", [1301, 2003]],
      ["BF16", [2203, 997]]
    ])
    writeFileSync(path, bytes)
    const expected = Result.getOrThrow(decode(bytes)).tensors
    for (const [name, { data }] of yield* fileTensors(path, new Set(expected.keys()))) {
      const there = expected.get(name)!.data
      assert.isTrue(Buffer.from(data.buffer).equals(Buffer.from(there.buffer)), name)
    }
  })
)

it.effect("what memory refuses, a file refuses for the same reason", () =>
  Effect.gen(function* () {
    const path = join(yield* temporaryFolder, "a.safetensors")
    const whole = fileOf([["F32", [2, 3]]])
    const overlong = Buffer.concat([whole, Buffer.alloc(1)])
    const gap = Buffer.from(whole.toString("latin1").replace("[0,24]", "[1,24]"), "latin1")
    const wide = Buffer.from(whole.toString("latin1").replace("[2,3]", "[2,4]"), "latin1")
    const foreign = fileOf([["I64", [2]]])
    const cases = [Buffer.alloc(0), whole.subarray(0, 5), whole.subarray(0, 20), whole.subarray(0, -1), overlong, gap]
    for (const bytes of [...cases, wide, foreign]) {
      writeFileSync(path, bytes)
      const expected = decode(bytes)
      const error = yield* Effect.flip(fileTensors(path, new Set(["t0"])))
      assert.strictEqual(error.message, Result.isFailure(expected) ? expected.failure.message : "none")
    }
  })
)

it.effect("a file that is not there, and one that is a folder, are errors that name it", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const missing = yield* Effect.flip(fileHeader(join(folder, "none")))
    assert.strictEqual(missing.reason, "missing")
    assert.include(missing.message, join(folder, "none"))
    assert.include((yield* Effect.flip(fileHeader(folder))).message, folder)
  })
)

it.live.skipIf(process.platform === "win32")("a pipe, whose opening waits for a writer, is not opened", () =>
  Effect.gen(function* () {
    const pipe = join(yield* temporaryFolder, "pipe.safetensors")
    execFileSync("mkfifo", [pipe])
    const error = yield* Effect.flip(fileHeader(pipe))
    assert.strictEqual(error.message, "this is a device or a pipe, not a safetensors file")
  })
)
