import type { Affine } from "./affine.ts"
import { affineOf, compose, mirror, resample } from "./affine.ts"
import type { AugmentConfig } from "./AugmentConfig.ts"
import type { Augmentation, DrawOf } from "./augmentations/Augmentation.ts"
import { colourJitter } from "./augmentations/colourJitter.ts"
import { gaussianNoise } from "./augmentations/noise.ts"
import { placement } from "./augmentations/placement.ts"
import { randomErasing } from "./augmentations/randomErasing.ts"
import { trivialAugment } from "./augmentations/trivialAugment.ts"
import { draw } from "./draw.ts"
import type { Pixels } from "./Pixels.ts"

/** Every random change of the single image, in the order in which they are made: a new one is a file and a line here. */
export const augmentations = [placement, trivialAugment, colourJitter, gaussianNoise, randomErasing] as const

const all: ReadonlyArray<Augmentation> = augmentations

/** Everything that a random change depends on, beside the operation's name. */
export interface AugmentAt {
  readonly seed: number
  readonly epoch: number
  /** The sample's. */
  readonly id: string
  /** How often the epoch has had the sample before; left out the first time. */
  readonly repeat?: number | undefined
}

const drawsAt =
  ({ epoch, id, repeat, seed }: AugmentAt): DrawOf =>
  (operation) =>
    repeat === undefined ? draw(seed, epoch, id, operation) : draw(seed, epoch, id, repeat, operation)

/** All movements of pixels together: a mapping to sample by, or none and perhaps an exact mirror image. */
export const movement = (
  config: AugmentConfig,
  at: AugmentAt,
  width: number,
  height: number
): { readonly flip: boolean; readonly map: Affine | undefined } => {
  const drawOf = drawsAt(at)
  let flip = false
  let map: Affine | undefined
  for (const { move } of all) {
    const next = move?.(config, drawOf, { height, width })
    if (next === undefined) continue
    if (next === "mirror" && map === undefined) flip = !flip
    else {
      const mirrored = affineOf({ flip: true, degrees: 0, crop: { left: 0, top: 0, width, height } }, width, height)
      const before = map ?? (flip ? mirrored : undefined)
      const added = next === "mirror" ? mirrored : next
      map = before === undefined ? added : compose(before, added)
      flip = false
    }
  }
  return { flip, map }
}

/** Whether any operation changes the values of an image's pixels. */
export const changesValues = (config: AugmentConfig, at: AugmentAt): boolean => {
  const drawOf = drawsAt(at)
  return all.some(({ changes }) => changes?.(config, drawOf) === true)
}

/** Applies the operations that change the values of pixels, after `movement`. */
export const changeValues = (pixels: Pixels, config: AugmentConfig, at: AugmentAt): Pixels => {
  const drawOf = drawsAt(at)
  return all.reduce(
    (image, { change, changes }) =>
      change !== undefined && changes?.(config, drawOf) === true ? change(image, config, drawOf) : image,
    pixels
  )
}

/** The operations that move pixels, sampled once. */
const move = (pixels: Pixels, config: AugmentConfig, at: AugmentAt, background: ReadonlyArray<number>): Pixels => {
  const { flip, map } = movement(config, at, pixels.width, pixels.height)
  return map !== undefined ? resample(pixels, map, background) : flip ? mirror(pixels) : pixels
}

/**
 * The pixels as the training sees them in this epoch: what moves pixels (sampled once, bilinearly), then what changes
 * their values, in the list's order. Size and input stay as they are.
 *
 * A draw depends on (seed, epoch, id, operation) alone, and on how often the epoch has had the sample before: an operation that is off draws nothing and costs nothing, and
 * switching one on does not change the others. With all of them off, the same pixels are returned.
 */
export const augmentPixels = (
  pixels: Pixels,
  config: AugmentConfig,
  at: AugmentAt,
  background: ReadonlyArray<number>
): Pixels => changeValues(move(pixels, config, at, background), config, at)
