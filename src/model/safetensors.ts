import { Result, Schema } from "effect"
import { sizeOf } from "./Tensor.ts"
import type { Tensor, Weights } from "./Tensor.ts"

/** Bytes are not a safetensors file that can be read: why, and what was found. */
export class SafetensorsError extends Schema.TaggedError<SafetensorsError>()("SafetensorsError", {
  reason: Schema.Literals([
    "truncated",
    "headerTooLarge",
    "notJson",
    "invalidHeader",
    "invalidOffsets",
    "unsupportedDtype"
  ]),
  detail: Schema.String
}) {
  override get message() {
    return `not a readable safetensors file: ${this.detail}`
  }
}

/** What a safetensors file holds. */
export interface Safetensors {
  /** In the order of their bytes. */
  readonly tensors: Weights
  readonly metadata: Readonly<Record<string, string>>
}

/** Limit of the reference implementation, against headers that eat up the memory. */
const maximumHeader = 100_000_000

const Entry = Schema.Struct({
  dtype: Schema.String,
  shape: Schema.Array(Schema.Natural),
  data_offsets: Schema.Tuple([Schema.Natural, Schema.Natural])
})
const decodeEntry = Schema.decodeUnknownResult(Entry)
const decodeMetadata = Schema.decodeUnknownResult(Schema.Record(Schema.String, Schema.String))

/**
 * Tensors as a safetensors file: float32, little-endian, bit for bit, in the given order, aligned to 8 bytes.
 *
 * The same tensors and metadata in the same order give the same bytes; the metadata comes first. Throws a RangeError
 * where a tensor has not as many values as its shape says, or is named `__metadata__`. The machine must be
 * little-endian itself, as all are that the engines run on.
 * Source: the format's description, https://github.com/huggingface/safetensors#format
 */
export const encode = (tensors: Weights, metadata: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer> => {
  const entries: Array<string> = []
  if (Object.keys(metadata).length > 0) entries.push(`"__metadata__":${JSON.stringify(metadata)}`)
  let size = 0
  for (const [name, { data, shape }] of tensors) {
    if (name === "__metadata__" || data.length !== sizeOf(shape))
      throw new RangeError(`the tensor "${name}" of shape ${shape.join(" x ")} has ${data.length} values`)
    const offsets = [size, (size += data.byteLength)]
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype: "F32", shape, data_offsets: offsets })}`)
  }
  const header = new TextEncoder().encode(`{${entries.join(",")}}`)
  const start = 8 + Math.ceil(header.length / 8) * 8
  const bytes = new Uint8Array(start + size).fill(0x20, 8, start)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(start - 8), true)
  bytes.set(header, 8)
  let offset = start
  for (const { data } of tensors.values()) {
    // Bytes, not numbers: a float that passes through a register may lose the bits of its NaN.
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset)
    offset += data.byteLength
  }
  return bytes
}

/** The bits of a half-precision number (IEEE 754 binary16) as those of a single-precision one; exact. */
const singleOfHalf = (half: number): number => {
  const sign = (half & 0x8000) << 16
  const exponent = (half >>> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13)
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13)
  if (fraction === 0) return sign
  // Subnormal: shifted until the leading bit is the implicit one.
  const shift = Math.clz32(fraction) - 21
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)
}

/** How a tensor's numbers are read: bytes of one, and the bits that it has as float32, where these are others. */
const readers: Readonly<Record<string, { size: number; single?: (bits: number) => number }>> = {
  F32: { size: 4 },
  F16: { size: 2, single: singleOfHalf },
  BF16: { size: 2, single: (bits) => bits << 16 }
}

const fail = (reason: SafetensorsError["reason"], detail: string) =>
  Result.fail(new SafetensorsError({ reason, detail }))

const headerOf = (bytes: Uint8Array, view: DataView) => {
  if (bytes.length < 8) return fail("truncated", `${bytes.length} bytes are too few for a header`)
  const size = Number(view.getBigUint64(0, true))
  if (size > maximumHeader)
    return fail("headerTooLarge", `a header of ${size} bytes; at most ${maximumHeader} are read`)
  if (8 + size > bytes.length)
    return fail("truncated", `a header of ${size} bytes, but only ${bytes.length - 8} bytes follow`)
  return Result.try({
    try: (): unknown =>
      JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, 8 + size))),
    catch: (cause) => new SafetensorsError({ reason: "notJson", detail: `the header is not JSON (${String(cause)})` })
  }).pipe(
    Result.flatMap((json) =>
      typeof json === "object" && json !== null && !Array.isArray(json)
        ? Result.succeed({ start: 8 + size, entries: Object.entries(json) })
        : fail("invalidHeader", "the header is not an object")
    )
  )
}

const tensorOf = (view: DataView, start: number, name: string, { data_offsets, dtype, shape }: typeof Entry.Type) => {
  const reader = Object.hasOwn(readers, dtype) ? readers[dtype] : undefined
  if (reader === undefined)
    return fail("unsupportedDtype", `the tensor "${name}" is ${dtype}; F32, F16 and BF16 can be read`)
  const [from, to] = data_offsets
  const length = sizeOf(shape)
  if (length * reader.size !== to - from)
    return fail("invalidOffsets", `the tensor "${name}" (${dtype}, ${shape.join(" x ")}) has ${to - from} bytes`)
  const data = new Float32Array(length)
  if (reader.single === undefined)
    new Uint8Array(data.buffer).set(new Uint8Array(view.buffer, view.byteOffset + start + from, to - from))
  else {
    const bits = new Int32Array(data.buffer)
    for (let i = 0; i < length; i++) bits[i] = reader.single(view.getUint16(start + from + 2 * i, true))
  }
  return Result.succeed<Tensor>({ shape, data })
}

/**
 * The tensors and the metadata of a safetensors file. F16 and BF16 become float32, exactly.
 *
 * Tensors that `wants` does not want are not read, whatever their type. Every byte must belong to exactly one tensor:
 * overlaps, gaps and bytes left over are refused, as the reference implementation does.
 */
export const decode = (
  bytes: Uint8Array,
  wants: (name: string) => boolean = () => true
): Result.Result<Safetensors, SafetensorsError> =>
  Result.gen(function* () {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const { entries, start } = yield* headerOf(bytes, view)
    let metadata: Readonly<Record<string, string>> = {}
    const listed: Array<readonly [string, typeof Entry.Type]> = []
    const invalid = (error: Schema.SchemaError) =>
      new SafetensorsError({ reason: "invalidHeader", detail: `the header is invalid: ${error.message}` })
    for (const [name, value] of entries)
      if (name === "__metadata__") metadata = yield* Result.mapError(decodeMetadata(value), invalid)
      else listed.push([name, yield* Result.mapError(decodeEntry(value), invalid)])
    listed.sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1])
    const tensors = new Map<string, Tensor>()
    let end = 0
    for (const [name, entry] of listed) {
      const [from, to] = entry.data_offsets
      if (from !== end || to < from)
        return yield* fail("invalidOffsets", `the tensor "${name}" is at ${from} to ${to}, where ${end} was expected`)
      if (start + to > bytes.length)
        return yield* fail("truncated", `the tensor "${name}" ends at ${start + to}, the file at ${bytes.length}`)
      if (wants(name)) tensors.set(name, yield* tensorOf(view, start, name, entry))
      end = to
    }
    if (start + end !== bytes.length)
      return yield* fail("invalidOffsets", `${bytes.length - start - end} bytes are left over after the last tensor`)
    return { tensors, metadata }
  })
