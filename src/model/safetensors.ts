import { Result } from "effect"
import type { SafetensorsError } from "./safetensorsHeader.ts"
import { endOfHeader, lengthBytes, readHeader } from "./safetensorsHeader.ts"
import { sizeOf } from "./Tensor.ts"
import type { Tensor, Weights } from "./Tensor.ts"
import { readerOf } from "./tensorReader.ts"

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
 * Tensors that `wants` does not want are not read, whatever their type. Every byte must belong to exactly one tensor:
 * overlaps, gaps and bytes left over are refused, as the reference implementation does.
 */
export const decode = (
  bytes: Uint8Array,
  wants: (name: string) => boolean = () => true
): Result.Result<Safetensors, SafetensorsError> =>
  Result.gen(function* () {
    const start = yield* endOfHeader(bytes.subarray(0, lengthBytes), bytes.length)
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
