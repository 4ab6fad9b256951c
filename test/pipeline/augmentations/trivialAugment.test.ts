import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { AugmentConfig } from "../../../src/pipeline/AugmentConfig.ts"
import { augmentPixels, changesValues, movement } from "../../../src/pipeline/augmentations.ts"
import {
  autoContrast,
  equalize,
  posterize,
  sharpen,
  solarize,
  trivialAugment
} from "../../../src/pipeline/augmentations/trivialAugment.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import type { Pixels } from "../../../src/pipeline/Pixels.ts"
import { distance, figure } from "../../fixtures/pictures.ts"

const source = figure("source")
const config = Schema.decodeSync(AugmentConfig)({ trivial: 1 })
const at = (id: number) => ({ seed: 3, epoch: 1, id: String(id) })
const background = [250, 240, 10]

describe("TrivialAugment's operations against torchvision", () => {
  it("posterize, solarize and equalize give the same bytes", () => {
    assert.deepStrictEqual(posterize(source, 3).data, figure("posterize").data)
    assert.deepStrictEqual(solarize(source, 100).data, figure("solarize").data)
    assert.deepStrictEqual(equalize(source).data, figure("equalize").data)
  })

  it("auto-contrast and sharpness agree to a level", () => {
    const dull: Pixels = { ...source, data: source.data.map((v) => Math.fround(v * 0.6) + 30) }
    assert.isAtMost(distance(autoContrast(dull), figure("autoContrast")).largest, 1)
    assert.isAtMost(distance(sharpen(source, 1.7), figure("sharper")).largest, 1)
    assert.isAtMost(distance(sharpen(source, 0.3), figure("smoother")).largest, 1)
  })

  it("leaves an image of one value as it is", () => {
    const plain: Pixels = { height: 3, width: 5, data: new Uint8Array(45).fill(77) }
    for (const change of [autoContrast, equalize, (pixels: Pixels) => sharpen(pixels, 1.9)])
      assert.deepStrictEqual(change(plain).data, plain.data)
  })
})

describe("TrivialAugment", () => {
  const many = Array.from({ length: 1400 }, (_, id) => id)

  it("gives each image one operation: it moves pixels, changes values, or leaves the image as it is", () => {
    const kinds = many.map((id) => [movement(config, at(id), 20, 14).map !== undefined, changesValues(config, at(id))])
    assert.isFalse(kinds.some(([moves, changes]) => moves && changes))
    // 5 of 14 move, 8 of 14 change, 1 of 14 does nothing; binomial, four standard deviations.
    const share = (which: number) => kinds.filter((kind) => kind[which]).length / many.length
    assert.closeTo(share(0), 5 / 14, 0.052)
    assert.closeTo(share(1), 8 / 14, 0.053)
  })

  it("gives the same image for the same (seed, epoch, id), and another one in the next epoch", () => {
    const one = (id: number, epoch: number) =>
      augmentPixels(source, config, { ...at(id), epoch }, background).data.join()
    for (const id of many.slice(0, 50)) assert.strictEqual(one(id, 1), one(id, 1))
    const differ = many.slice(0, 100).filter((id) => one(id, 1) !== one(id, 2))
    assert.isAbove(differ.length, 80)
  })

  it("moves less where it is configured to be weaker", () => {
    const farthest = (trivial: number) =>
      Math.max(
        ...many.map((id) => {
          const map = trivialAugment.move?.({ trivial }, (operation) => draw(1, id, operation), {
            height: 14,
            width: 20
          })
          return map === undefined || map === "mirror" ? 0 : Math.abs(map.b)
        })
      )
    assert.isAtMost(farthest(0.1), Math.sin((13.5 * Math.PI) / 180) + 1e-9)
    assert.isAbove(farthest(1), 0.9)
  })

  it("does nothing where it is not configured", () => {
    const off = Schema.decodeSync(AugmentConfig)({})
    for (const id of many.slice(0, 20)) assert.strictEqual(augmentPixels(source, off, at(id), background), source)
  })
})
