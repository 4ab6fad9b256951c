import type { ImageConfig } from "../../pipeline/ImageConfig.ts"

/**
 * What normalising does to the byte v of a channel, in one step: v factor + shift; and its mean and std, 0.5 where the
 * configuration has none. One rounding to float32 where `scaleOf` rounds three times: they differ by 1e-6 at most.
 */
export const scaleOfBytes = (image: Pick<ImageConfig, "mean" | "std">) => {
  const mean = image.mean ?? ([0.5, 0.5, 0.5] as const)
  const std = image.std ?? ([0.5, 0.5, 0.5] as const)
  return {
    mean,
    std,
    factor: Float32Array.from(std, (one) => 1 / (255 * one)),
    shift: Float32Array.from(std, (one, channel) => -mean[channel]! / one) // three of both
  }
}
