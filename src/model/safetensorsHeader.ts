import { Result, Schema } from "effect"
import { otherKind } from "./weightsKind.ts"

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

export const safetensorsFault = (reason: SafetensorsError["reason"], detail: string) =>
  Result.fail(new SafetensorsError({ reason, detail }))

/** Where a tensor's bytes lie, counted from the file's begin: `from`, and `to`, which is the first one after them. */
export interface Listing {
  readonly name: string
  readonly dtype: string
  readonly shape: ReadonlyArray<number>
  readonly from: number
  readonly to: number
}

/** What a file's header says, checked against the file's length. */
export interface Header {
  readonly metadata: Readonly<Record<string, string>>
  /** In the order of their bytes. */
  readonly listings: ReadonlyArray<Listing>
}

/** Bytes before the header, which say how long it is. */
export const lengthBytes = 8

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
 * Where the header ends, from the first bytes of a file of a length; the first `kindBytes` of them say what the file is,
 * where it is none of safetensors.
 */
export const endOfHeader = (first: Uint8Array, length: number): Result.Result<number, SafetensorsError> => {
  const other = otherKind(first)
  if (other !== undefined)
    return safetensorsFault("otherKind", `this is ${other.what}, and no safetensors file; ${other.cure}`)
  if (first.length < lengthBytes) return safetensorsFault("truncated", `${length} bytes are too few for a header`)
  const size = Number(new DataView(first.buffer, first.byteOffset, lengthBytes).getBigUint64(0, true))
  if (size > maximumHeader)
    return safetensorsFault("headerTooLarge", `a header of ${size} bytes; at most ${maximumHeader} are read`)
  if (lengthBytes + size > length)
    return safetensorsFault("truncated", `a header of ${size} bytes, but only ${length - lengthBytes} bytes follow`)
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
        : safetensorsFault("invalidHeader", "the header is not an object")
    )
  )

/**
 * What the header of a file of a length says, from the header's bytes, without the eight before them.
 *
 * Every byte after the header must belong to exactly one tensor: overlaps, gaps and bytes left over are refused, as the
 * reference implementation does. Types of numbers are not looked at.
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
        return yield* safetensorsFault(
          "invalidOffsets",
          `the tensor "${name}" is at ${from} to ${to}, where ${end} was expected`
        )
      if (to > length)
        return yield* safetensorsFault("truncated", `the tensor "${name}" ends at ${to}, the file at ${length}`)
      end = to
    }
    if (end !== length)
      return yield* safetensorsFault("invalidOffsets", `${length - end} bytes are left over after the last tensor`)
    return { metadata, listings }
  })
