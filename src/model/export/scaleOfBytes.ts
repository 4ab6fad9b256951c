import type { ImageConfig } from "../../pipeline/ImageConfig.ts"

/**
 * Normalising the byte v of a channel in one step, v factor + shift; and its mean and std, 0.5 where the configuration has
 * none. It rounds to float32 once where `scaleOf` rounds three times: they differ by 1e-6 at most.
 */
export const scaleOfBytes = (image: Pick<ImageConfig, "mean" | "std">) => {
  const mean = image.mean ?? ([0.5, 0.5, 0.5] as const)
  const std = image.std ?? ([0.5, 0.5, 0.5] as const)
  return {
    mean,
    std,
    factor: Float32Array.from(std, (one) => 1 / (255 * one)),
    shift: Float32Array.of(-mean[0] / std[0], -mean[1] / std[1], -mean[2] / std[2])
  }
}
