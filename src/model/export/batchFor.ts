import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import { normaliseInto, scaleOf } from "../../pipeline/normalise.ts"
import type { ReaderBatch } from "./ExportReaders.ts"
import type { ExportInput } from "./ExportSettings.ts"
import { formatOf } from "./formats.ts"
import type { GraphFormatName } from "./formats.ts"

/** Decoded images of one size, one after the other. */
export interface Held {
  /** 8-bit RGB, (size, height, width, 3). */
  readonly bytes: Uint8Array
  readonly size: number
  readonly height: number
  readonly width: number
}

/** The images from index `from` up to, and without, `to`. */
export const someOf = ({ bytes, height, width }: Held, from: number, to: number): Held => {
  const pixels = height * width * 3
  return { bytes: bytes.subarray(from * pixels, to * pixels), size: to - from, height, width }
}

/**
 * The images in batches: of a fixed size, the last one filled up with the first images again; or all but one, and one.
 */
export const inBatches = (held: Held, batch: number | null): ReadonlyArray<Held> => {
  const { size } = held
  if (batch === null) return [someOf(held, 0, size - 1), someOf(held, size - 1, size)].filter(({ size }) => size > 0)
  const pixels = held.bytes.length / size
  return Array.from({ length: Math.ceil(size / batch) }, (_, at) => {
    const bytes = new Uint8Array(batch * pixels)
    for (let i = 0; i < batch; i++)
      bytes.set(someOf(held, (at * batch + i) % size, ((at * batch + i) % size) + 1).bytes, i * pixels)
    return { ...held, bytes, size: batch }
  })
}

/** The images as an engine takes them: normalised, NHWC. */
export const normalisedImages = ({ bytes }: Held, image: Pick<ImageConfig, "mean" | "std">): Float32Array => {
  const images = new Float32Array(bytes.length)
  normaliseInto(images, 0, bytes, scaleOf(image))
  return images
}

/** NHWC to NCHW. */
const channelsFirst = (images: Float32Array, { height, width }: Held): Float32Array => {
  const area = height * width
  const transposed = new Float32Array(images.length)
  for (const [at, value] of images.entries()) {
    const [c, pixel] = [at % 3, Math.floor(at / 3)]
    const p = pixel % area
    transposed[(pixel - p) * 3 + c * area + p] = value
  }
  return transposed
}

/** The images as an exported graph takes them. */
export const batchFor = (
  held: Held,
  image: Pick<ImageConfig, "mean" | "std">,
  format: GraphFormatName,
  input: ExportInput
): ReaderBatch => {
  const { bytes, height, size, width } = held
  if (input === "uint8") return { data: bytes.slice(), shape: [size, height, width, 3] }
  const images = normalisedImages(held, image)
  return formatOf(format).layout(input) === "NCHW"
    ? { data: channelsFirst(images, held), shape: [size, 3, height, width] }
    : { data: images, shape: [size, height, width, 3] }
}
