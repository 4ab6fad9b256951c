import { Result, Schema } from "effect"
import { sizeOf } from "./Tensor.ts"
import type { Tensor, Weights } from "./Tensor.ts"
import { kindBytes, otherKind } from "./weightsKind.ts"

/** Bytes are not a safetensors file that can be read: why, and what was found. */
export class SafetensorsError extends Schema.TaggedError<SafetensorsError>()("SafetensorsError", {
  reason: Schema.Literals([
    "otherKind",
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
    return this.reason === "otherKind" ? this.detail : `not a readable safetensors file: ${this.detail}`
  }
}

const fault = (reason: SafetensorsError["reason"], detail: string) =>
  Result.fail(new SafetensorsError({ reason, detail }))

/** Where a tensor's bytes lie in the file: from `from` up to, and without, `to`. */
export interface Listing {
  readonly name: string
  readonly dtype: string
  readonly shape: ReadonlyArray<number>
  readonly from: number
  readonly to: number
}

/** A file's header, checked against the file's length. */
export interface Header {
  readonly metadata: Readonly<Record<string, string>>
  /** In the order of their bytes. */
  readonly listings: ReadonlyArray<Listing>
}

/** Bytes before the header: its length. */
export const lengthBytes = 8

/** The reference implementation's limit, so that a header cannot fill the memory. */
const maximumHeader = 100_000_000

const Entry = Schema.Struct({
  dtype: Schema.String,
  shape: Schema.Array(Schema.Natural),
  data_offsets: Schema.Tuple([Schema.Natural, Schema.Natural])
})
const decodeEntry = Schema.decodeUnknownResult(Entry)
const decodeMetadata = Schema.decodeUnknownResult(Schema.Record(Schema.String, Schema.String))

/**
 * Where the header of a file ends, given the file's first bytes and its length. Of a file that is no safetensors file,
 * the first `kindBytes` bytes show what it is.
 */
export const endOfHeader = (first: Uint8Array, length: number): Result.Result<number, SafetensorsError> => {
  const other = otherKind(first)
  if (other !== undefined) return fault("otherKind", `this is ${other.what}, not a safetensors file; ${other.cure}`)
  if (first.length < lengthBytes) return fault("truncated", `${length} bytes are too few for a header`)
  const size = Number(new DataView(first.buffer, first.byteOffset, lengthBytes).getBigUint64(0, true))
  if (size > maximumHeader)
    return fault("headerTooLarge", `a header of ${size} bytes; at most ${maximumHeader} are read`)
  if (lengthBytes + size > length)
    return fault("truncated", `a header of ${size} bytes, but only ${length - lengthBytes} bytes follow`)
  return Result.succeed(lengthBytes + size)
}

const parse = (header: Uint8Array) =>
  Result.try({
    try: (): unknown => JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(header)),
    catch: (cause) => new SafetensorsError({ reason: "notJson", detail: `the header is not JSON (${String(cause)})` })
  }).pipe(
    Result.flatMap((json) =>
      typeof json === "object" && json !== null && !Array.isArray(json)
        ? Result.succeed(Object.entries(json))
        : fault("invalidHeader", "the header is not an object")
    )
  )

/**
 * The header of a file of a given length, from the header's bytes (without the eight before them).
 *
 * Every byte after the header must belong to exactly one tensor: overlaps, gaps and bytes left over are refused, as in
 * the reference implementation. The tensors' types are not checked.
 */
export const readHeader = (header: Uint8Array, length: number): Result.Result<Header, SafetensorsError> =>
  Result.gen(function* () {
    const start = lengthBytes + header.length
    let metadata: Header["metadata"] = {}
    const listings: Array<Listing> = []
    const invalid = (error: Schema.SchemaError) =>
      new SafetensorsError({ reason: "invalidHeader", detail: `the header is invalid: ${error.message}` })
    for (const [name, value] of yield* parse(header))
      if (name === "__metadata__") metadata = yield* Result.mapError(decodeMetadata(value), invalid)
      else {
        const { data_offsets, dtype, shape } = yield* Result.mapError(decodeEntry(value), invalid)
        listings.push({ name, dtype, shape, from: start + data_offsets[0], to: start + data_offsets[1] })
      }
    listings.sort((a, b) => a.from - b.from || a.to - b.to)
    let end = start
    for (const { from, name, to } of listings) {
      if (from !== end || to < from)
        return yield* fault("invalidOffsets", `the tensor "${name}" is at ${from} to ${to}, where ${end} was expected`)
      if (to > length) return yield* fault("truncated", `the tensor "${name}" ends at ${to}, the file at ${length}`)
      end = to
    }
    if (end !== length)
      return yield* fault("invalidOffsets", `${length - end} bytes are left over after the last tensor`)
    return { metadata, listings }
  })

/** The bits of a half-precision number (IEEE 754 binary16) as those of the same number in single precision. */
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

/** Reads the numbers of one type. */
export interface TensorReader {
  /** Bytes of one number. */
  readonly size: number
  /** Writes the numbers of whole `bytes` as float32, bit for bit, from the index `at` on. */
  readonly convert: (bytes: Uint8Array, to: Float32Array, at: number) => void
}

const widened = (single: (bits: number) => number): TensorReader => ({
  size: 2,
  convert: (bytes, to, at) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    // As integers: a float that passes through a register may lose the bits of its NaN.
    const bits = new Int32Array(to.buffer, to.byteOffset, to.length)
    for (let i = 0; 2 * i < bytes.length; i++) bits[at + i] = single(view.getUint16(2 * i, true))
  }
})

const readers: Readonly<Record<string, TensorReader>> = {
  F32: { size: 4, convert: (bytes, to, at) => new Uint8Array(to.buffer, to.byteOffset + 4 * at).set(bytes) },
  F16: widened(singleOfHalf),
  BF16: widened((bits) => bits << 16)
}

/** The reader of a tensor. Fails where there is none for its type, or where its bytes are not those of its shape. */
export const readerOf = ({ dtype, from, name, shape, to }: Listing): Result.Result<TensorReader, SafetensorsError> => {
  const reader = Object.hasOwn(readers, dtype) ? readers[dtype] : undefined
  if (reader === undefined)
    return fault("unsupportedDtype", `the tensor "${name}" is ${dtype}; F32, F16 and BF16 can be read`)
  if (sizeOf(shape) * reader.size !== to - from)
    return fault("invalidOffsets", `the tensor "${name}" (${dtype}, ${shape.join(" x ")}) has ${to - from} bytes`)
  return Result.succeed(reader)
}

/** What a safetensors file holds. */
export interface Safetensors {
  /** In the order of their bytes. */
  readonly tensors: Weights
  readonly metadata: Readonly<Record<string, string>>
}

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

/**
 * The tensors and the metadata of a safetensors file. F16 and BF16 become float32, exactly.
 *
 * Tensors that `wants` refuses are not read, whatever their type. Every byte must belong to exactly one tensor:
 * overlaps, gaps and bytes left over are refused, as the reference implementation does.
 */
export const decode = (
  bytes: Uint8Array,
  wants: (name: string) => boolean = () => true
): Result.Result<Safetensors, SafetensorsError> =>
  Result.gen(function* () {
    const start = yield* endOfHeader(bytes.subarray(0, kindBytes), bytes.length)
    const { listings, metadata } = yield* readHeader(bytes.subarray(lengthBytes, start), bytes.length)
    const tensors = new Map<string, Tensor>()
    for (const listing of listings.filter(({ name }) => wants(name))) {
      const { convert } = yield* readerOf(listing)
      const data = new Float32Array(sizeOf(listing.shape))
      convert(bytes.subarray(listing.from, listing.to), data, 0)
      tensors.set(listing.name, { shape: listing.shape, data })
    }
    return { tensors, metadata }
  })
