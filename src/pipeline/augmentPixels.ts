import type { Affine } from "./affine.ts"
import { affineOf, mirror, resample } from "./affine.ts"
import type { AugmentConfig } from "./AugmentConfig.ts"
import { jitterColours } from "./colour.ts"
import { draw } from "./draw.ts"
import { addNoise } from "./noise.ts"
import type { Pixels } from "./Pixels.ts"

/** What a random change depends on, beside the operation's own name. */
export interface AugmentAt {
  readonly seed: number
  readonly epoch: number
  /** The sample's. */
  readonly id: string
}

/** What flip, crop and rotation come to: a mapping to sample by, or undefined and perhaps a plain mirror image. */
export const movement = (
  config: AugmentConfig,
  at: AugmentAt,
  width: number,
  height: number
): { readonly flip: boolean; readonly map: Affine | undefined } => {
  const of = (operation: string) => draw(at.seed, at.epoch, at.id, operation)
  const flip = config.flip > 0 && of("flip").next() < config.flip
  if (config.rotation === 0 && config.crop === 0) return { flip, map: undefined }
  const degrees = config.rotation > 0 ? of("rotation").between(-config.rotation, config.rotation) : 0
  let crop = { left: 0, top: 0, width, height }
  if (config.crop > 0) {
    const random = of("crop")
    const kept = 1 - random.between(0, config.crop)
    const size = { width: Math.max(1, width * kept), height: Math.max(1, height * kept) }
    crop = { left: random.between(0, width - size.width), top: random.between(0, height - size.height), ...size }
  }
  return { flip, map: affineOf({ flip, degrees, crop }, width, height) }
}

/** The operations that move pixels, sampled once. */
const move = (pixels: Pixels, config: AugmentConfig, at: AugmentAt, background: ReadonlyArray<number>): Pixels => {
  const { flip, map } = movement(config, at, pixels.width, pixels.height)
  return map !== undefined ? resample(pixels, map, background) : flip ? mirror(pixels) : pixels
}

const colour = (pixels: Pixels, config: AugmentConfig, at: AugmentAt): Pixels => {
  const { brightness, contrast, hue, saturation } = config
  if (brightness === 0 && contrast === 0 && saturation === 0 && hue === 0) return pixels
  const around = (middle: number, operation: string, strength: number) =>
    strength === 0 ? middle : draw(at.seed, at.epoch, at.id, operation).between(middle - strength, middle + strength)
  return jitterColours(pixels, {
    brightness: around(1, "brightness", brightness),
    contrast: around(1, "contrast", contrast),
    saturation: around(1, "saturation", saturation),
    hue: around(0, "hue", hue)
  })
}

/** Whether anything is done to the colours. */
export const changesColours = ({ brightness, contrast, hue, noise, saturation }: AugmentConfig): boolean =>
  brightness !== 0 || contrast !== 0 || saturation !== 0 || hue !== 0 || noise !== 0

/** Brightness, contrast, saturation and hue, then Gaussian noise: what comes after `movement`. */
export const recolour = (pixels: Pixels, config: AugmentConfig, at: AugmentAt): Pixels => {
  const coloured = colour(pixels, config, at)
  return config.noise === 0 ? coloured : addNoise(coloured, config.noise * 255, draw(at.seed, at.epoch, at.id, "noise"))
}

/**
 * The pixels as the training sees them in this epoch: flip, crop and rotation (sampled once, bilinearly), then
 * brightness, contrast, saturation and hue, then Gaussian noise. Size and input stay as they are.
 *
 * A draw depends on (seed, epoch, id, operation) alone: an operation that is off draws nothing and costs nothing, and
 * one that is switched on leaves the others as they were. With all of them off, the same pixels come back.
 */
export const augmentPixels = (
  pixels: Pixels,
  config: AugmentConfig,
  at: AugmentAt,
  background: ReadonlyArray<number>
): Pixels => recolour(move(pixels, config, at, background), config, at)
