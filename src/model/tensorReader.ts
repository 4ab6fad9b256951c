import { Result } from "effect"
import type { Listing, SafetensorsError } from "./safetensorsHeader.ts"
import { safetensorsFault } from "./safetensorsHeader.ts"
import { sizeOf } from "./Tensor.ts"

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

/** How numbers of a type are read. */
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

/** How a listed tensor is read; fails where its type cannot be, or it has not the bytes that its shape wants. */
export const readerOf = ({ dtype, from, name, shape, to }: Listing): Result.Result<TensorReader, SafetensorsError> => {
  const reader = Object.hasOwn(readers, dtype) ? readers[dtype] : undefined
  if (reader === undefined)
    return safetensorsFault("unsupportedDtype", `the tensor "${name}" is ${dtype}; F32, F16 and BF16 can be read`)
  if (sizeOf(shape) * reader.size !== to - from)
    return safetensorsFault(
      "invalidOffsets",
      `the tensor "${name}" (${dtype}, ${shape.join(" x ")}) has ${to - from} bytes`
    )
  return Result.succeed(reader)
}
