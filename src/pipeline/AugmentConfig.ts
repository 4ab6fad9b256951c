import { Schema, Struct } from "effect"
import { between, setting, Share } from "../config/Setting.ts"

/** Random changes to the training images; the defaults change nothing. */
export const AugmentConfig = Schema.Struct({
  flip: setting(Share, 0, "Probability of a mirror image (left and right)"),
  rotation: setting(between(0, 180), 0, "Rotated by up to so many degrees, either way"),
  crop: setting(Share, 0, "Largest share of the height and width that a random crop takes away"),
  brightness: setting(Share, 0, "Brightness times 1 ± up to this"),
  contrast: setting(Share, 0, "Contrast times 1 ± up to this, about the image's mean grey"),
  saturation: setting(Share, 0, "Saturation times 1 ± up to this"),
  hue: setting(between(0, 0.5), 0, "Hue turned by up to this share of the colour circle, either way"),
  noise: setting(between(0, 1), 0, "Standard deviation of Gaussian noise, as a share of the full scale"),
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
})
export type AugmentConfig = typeof AugmentConfig.Type

/** What changes the single image: all but the mixing, which makes one image of two. */
export const imageChanges = (augment: AugmentConfig) => Struct.omit(augment, ["mixup", "cutmix", "mixSwitch"])
export type ImageChanges = ReturnType<typeof imageChanges>
