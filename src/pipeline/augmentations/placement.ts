import { between, setting, Share } from "../../config/Setting.ts"
import { affineOf } from "../affine.ts"
import { augmentation } from "./Augmentation.ts"

/** Flip, crop and rotation: one mapping, so that an image is sampled once. A flip alone copies pixels, exactly. */
export const placement = augmentation({
  settings: {
    flip: setting(Share, 0, "Probability of a mirror image (left and right)"),
    rotation: setting(between(0, 180), 0, "Rotated by up to so many degrees, either way"),
    crop: setting(Share, 0, "Largest share of the height and width that a random crop takes away")
  },
  move: (config, drawOf, { height, width }) => {
    const flip = config.flip > 0 && drawOf("flip").next() < config.flip
    if (config.rotation === 0 && config.crop === 0) return flip ? "mirror" : undefined
    const degrees = config.rotation > 0 ? drawOf("rotation").between(-config.rotation, config.rotation) : 0
    let crop = { left: 0, top: 0, width, height }
    if (config.crop > 0) {
      const random = drawOf("crop")
      const kept = 1 - random.between(0, config.crop)
      const size = { width: Math.max(1, width * kept), height: Math.max(1, height * kept) }
      crop = { left: random.between(0, width - size.width), top: random.between(0, height - size.height), ...size }
    }
    return affineOf({ flip, degrees, crop }, width, height)
  }
})
