import type { ImageConfig } from "./ImageConfig.ts"
import type { Pixels } from "./Pixels.ts"

/** The pixels that a normalised image of a batch stands for: the inverse of `scaleOf`, rounded, and clamped to a byte. */
export const denormalise = (
  images: Float32Array,
  index: number,
  { height, mean, std, width }: Pick<ImageConfig, "height" | "width" | "mean" | "std">
): Pixels => {
  const area = height * width * 3
  const own = images.subarray(index * area, (index + 1) * area)
  const data = Uint8Array.from(own, (value, i) => {
    const channel = i % 3
    return Math.max(0, Math.min(255, Math.round(255 * (value * (std?.[channel] ?? 0.5) + (mean?.[channel] ?? 0.5)))))
  })
  return { height, width, data }
}
