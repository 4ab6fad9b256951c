import { between, setting, Share } from "../config/Setting.ts"
import type { Batch } from "./Batch.ts"
import { betaOf } from "./beta.ts"
import { draw } from "./draw.ts"

/** The keys in the configuration's `augment` that mix two images of a batch. */
export const mixSettings = {
  mixup: setting(
    between(0, 100),
    0,
    "mixup: each image blended with another of its batch, by a share from Beta(mixup, mixup), labels too; 0.2 is usual"
  ),
  cutmix: setting(
    between(0, 100),
    0,
    "CutMix: a box of another image of the batch pasted in, of an area from Beta(cutmix, cutmix), labels too; 1 is usual"
  ),
  mixSwitch: setting(Share, 0.5, "Where mixup and cutmix are both on: share of the batches that get cutmix")
}

type MixConfig = Readonly<Record<keyof typeof mixSettings, number>>

/** Everything that a mix depends on, beside the batch's number. */
export interface MixAt {
  readonly seed: number
  readonly epoch: number
}

/** A rectangle of pixels; `right` and `bottom` are not in it. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** A box about a random pixel with 1 - share of an image's area, less what lies outside. Source: Yun et al., 2019. */
export const boxOf = (share: number, height: number, width: number, below: (n: number) => number): Box => {
  const half = 0.5 * Math.sqrt(1 - share)
  const [x, y] = [below(width), below(height)]
  const [halfWidth, halfHeight] = [Math.floor(half * width), Math.floor(half * height)]
  return {
    left: Math.max(0, x - halfWidth),
    top: Math.max(0, y - halfHeight),
    right: Math.min(width, x + halfWidth),
    bottom: Math.min(height, y + halfHeight)
  }
}

/** Calls back for each image with the one before it in the batch, as it was; before the first stands the last. */
const withOneBefore = ({ images, size }: Batch, change: (image: Float32Array, other: Float32Array) => void): void => {
  const area = images.length / size
  const imageAt = (i: number) => images.subarray(i * area, (i + 1) * area)
  const last = imageAt(size - 1).slice()
  for (let i = size - 1; i > 0; i--) change(imageAt(i), imageAt(i - 1))
  change(imageAt(0), last)
}

/** mixup with one share for all. */
export const blend = (batch: Batch, share: number): void =>
  withOneBefore(batch, (image, other) => {
    for (let i = 0; i < image.length; i++) image[i] = share * image[i]! + (1 - share) * other[i]!
  })

/** CutMix with one box for all. */
export const paste = (batch: Batch, { bottom, left, right, top }: Box): void =>
  withOneBefore(batch, (image, other) => {
    for (let y = top; y < bottom; y++) {
      const line = y * batch.width
      image.set(other.subarray((line + left) * 3, (line + right) * 3), (line + left) * 3)
    }
  })

/**
 * Mixes each image of a batch with the one before it, in place, and notes which that is and the first one's share.
 *
 * - mixup: share * image + (1 - share) * other, with the share from Beta(α, α). Source: Zhang et al., mixup, 2017.
 * - CutMix: a box of the other image is pasted in; the share is that of the area that stays. Source: Yun et al., 2019.
 *
 * One share and one box for a batch, partners and boxes as in torchvision's `v2.MixUp` and `v2.CutMix`; where both are
 * on, `mixSwitch` chooses as timm's `switch_prob` does. The draws depend on (seed, epoch, the batch's index) and
 * nothing else. Where neither is on, the batch is returned as it is.
 */
export const mix = (batch: Batch, { cutmix, mixSwitch, mixup }: MixConfig, { epoch, seed }: MixAt): Batch => {
  if ((mixup === 0 && cutmix === 0) || batch.size === 0) return batch
  const random = draw(seed, epoch, batch.index, "mix")
  const isCut = cutmix > 0 && (mixup === 0 || random.next() < mixSwitch)
  const drawn = betaOf(random, isCut ? cutmix : mixup)
  const { height, size, width } = batch
  let share = drawn
  if (isCut) {
    const box = boxOf(drawn, height, width, random.below)
    share = 1 - ((box.right - box.left) * (box.bottom - box.top)) / (height * width)
    paste(batch, box)
  } else blend(batch, drawn)
  const partners = Int32Array.from(batch.labels, (_, i) => (i + size - 1) % size)
  return { ...batch, mix: { partners, shares: new Float32Array(size).fill(share) } }
}
