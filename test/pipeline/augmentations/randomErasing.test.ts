import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { AugmentConfig } from "../../../src/pipeline/AugmentConfig.ts"
import { augmentPixels } from "../../../src/pipeline/augmentations.ts"
import type { Pixels } from "../../../src/pipeline/Pixels.ts"

const image: Pixels = { height: 40, width: 56, data: new Uint8Array(40 * 56 * 3).fill(128) }
const configOf = (erasing: object) => Schema.decodeUnknownSync(AugmentConfig)({ erasing })
const erased = (config: typeof AugmentConfig.Type, id: number) =>
  augmentPixels(image, config, { seed: 5, epoch: 2, id: String(id) }, [0, 0, 0])

/** The rectangle of pixels that are not as they were, its area, and how many of its values are. */
const holeOf = ({ data, height, width }: Pixels) => {
  let [left, top, right, bottom, changed] = [width, height, -1, -1, 0]
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = (y * width + x) * 3
      if (data[i] === 128 && data[i + 1] === 128 && data[i + 2] === 128) continue
      changed++
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
    }
  return { height: bottom - top + 1, width: right - left + 1, changed }
}

const ids = Array.from({ length: 800 }, (_, id) => id)

describe("random erasing", () => {
  it("erases one rectangle of the published sizes and shapes, in half of the images", () => {
    const holes = ids.map((id) => holeOf(erased(configOf({}), id))).filter(({ changed }) => changed > 0)
    // Binomial, four standard deviations; a rectangle that does not fit is drawn again.
    assert.closeTo(holes.length / ids.length, 0.5, 0.071)
    for (const { changed, height, width } of holes) {
      assert.isAbove(changed, 0.95 * height * width, "a rectangle, whose pixels are nearly all other ones")
      // Sides are rounded to pixels: half a pixel either way.
      assert.isAtMost((height - 0.5) * (width - 0.5), 0.4 * 40 * 56)
      assert.isAtLeast((height + 0.5) * (width + 0.5), 0.02 * 40 * 56)
      assert.isAtLeast((height + 0.5) / (width - 0.5), 0.3)
      assert.isAtMost((height - 0.5) / (width + 0.5), 1 / 0.3)
    }
    const areas = holes.map(({ height, width }) => (height * width) / (40 * 56)).sort((a, b) => a - b)
    assert.isBelow(areas[0] ?? 1, 0.05)
    assert.isAbove(areas.at(-1) ?? 0, 0.35)
  })

  it("fills it with values that are spread over all levels, each channel by itself", () => {
    const { data } = erased(configOf({ probability: 1, least: 0.4 }), 1)
    for (const channel of [0, 1, 2]) {
      const values = [...data].filter((v, i) => i % 3 === channel && v !== 128)
      const mean = values.reduce((sum, v) => sum + v, 0) / values.length
      assert.closeTo(mean, 127.5, 12, `the mean of channel ${channel}`)
      assert.isAbove(new Set(values).size, 200)
    }
  })

  it("erases the same for the same (seed, epoch, id), and leaves the image that it was given", () => {
    const config = configOf({ probability: 1 })
    for (const id of ids.slice(0, 20)) assert.deepStrictEqual(erased(config, id), erased(config, id))
    assert.isTrue(image.data.every((v) => v === 128))
  })

  it("leaves an image in which no rectangle fits", () => {
    const tiny: Pixels = { height: 1, width: 1, data: Uint8Array.of(1, 2, 3) }
    const at = { seed: 1, epoch: 1, id: "a" }
    assert.strictEqual(augmentPixels(tiny, configOf({ probability: 1 }), at, [0, 0, 0]), tiny)
  })
})
