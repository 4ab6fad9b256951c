import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { AugmentConfig } from "../../src/pipeline/AugmentConfig.ts"
import type { Batch } from "../../src/pipeline/Batch.ts"
import { betaOf } from "../../src/pipeline/beta.ts"
import { draw } from "../../src/pipeline/draw.ts"
import { blend, boxOf, mix, paste } from "../../src/pipeline/mix.ts"

const [height, width, size] = [5, 4, 3]
const area = height * width * 3
const batchOf = (index = 0): Batch => ({
  index,
  images: Float32Array.from({ length: size * area }, (_, i) => ((i * 53 + 7 * Math.floor(i / 11)) % 256) / 64 - 2),
  labels: Int32Array.of(2, 0, 1),
  ids: ["a", "b", "c"],
  size,
  height,
  width
})
const config = (changes: typeof AugmentConfig.Encoded) => Schema.decodeSync(AugmentConfig)(changes)
const at = { seed: 3, epoch: 1 }

/** The box that `boxOf` makes of given draws, and the area that stays, as torchvision 0.28's `v2.CutMix` has them. */
const boxes = [
  { share: 0.3, x: 3, y: 1, box: [2, 0, 4, 3] },
  { share: 0.9, x: 0, y: 4, box: [0, 4, 0, 4] },
  { share: 0.5, x: 2, y: 2, box: [1, 1, 3, 3] }
]

describe("mix", () => {
  it("blends as torchvision's MixUp does", () => {
    const batch = batchOf()
    blend(batch, 0.3)
    for (const [i, x] of [-1.671875, -0.767187, 0.060937, 0.889062, 1.717187, -1.454687].entries())
      assert.approximately(batch.images[i]!, x, 2e-6)
    for (const [i, x] of [-0.5125, 0.315625, 1.14375].entries()) assert.approximately(batch.images.at(i - 3)!, x, 2e-6)
  })

  it("cuts torchvision's boxes", () => {
    for (const { box, share, x, y } of boxes) {
      const drawn = [x, y]
      const found = boxOf(share, height, width, () => drawn.shift()!)
      assert.deepStrictEqual([found.left, found.top, found.right, found.bottom], box)
    }
  })

  it("pastes the box of the image before, that of the last into the first, and nothing beside it", () => {
    const before = batchOf().images
    const batch = batchOf()
    paste(batch, { left: 2, top: 1, right: 4, bottom: 4 })
    for (const [i, value] of batch.images.entries()) {
      const [image, within] = [Math.floor(i / area), i % area]
      const [y, x] = [Math.floor(within / (width * 3)), Math.floor(within / 3) % width]
      const from = x >= 2 && y >= 1 && y < 4 ? (image + size - 1) % size : image
      assert.strictEqual(value, before[from * area + within])
    }
  })

  it("notes the second images and the first ones' share", () => {
    const mixed = mix(batchOf(), config({ cutmix: 1 }), at)
    assert.deepStrictEqual(mixed.mix?.partners, Int32Array.of(2, 0, 1))
    assert.deepStrictEqual(mixed.labels, Int32Array.of(2, 0, 1))
    const kept = mixed.images.subarray(0, area).filter((x, i) => x === batchOf().images[i])
    assert.approximately(mixed.mix?.shares[0] ?? 0, kept.length / area, 1e-6)
    const blended = batchOf()
    const mixedUp = mix(batchOf(), config({ mixup: 0.4 }), at)
    blend(blended, mixedUp.mix?.shares[0] ?? 0)
    for (const [i, x] of blended.images.entries()) assert.approximately(mixedUp.images[i]!, x, 1e-6)
  })

  it("depends on seed, epoch and the batch's index alone, and is off unless configured", () => {
    const shareOf = (index: number, { epoch, seed } = at) =>
      mix(batchOf(index), config({ mixup: 1 }), { epoch, seed }).mix?.shares[0]
    assert.strictEqual(shareOf(4), shareOf(4))
    const others = [shareOf(5), shareOf(4, { ...at, epoch: 2 }), shareOf(4, { ...at, seed: 4 })]
    for (const other of others) assert.notStrictEqual(other, shareOf(4))
    const untouched = batchOf()
    assert.strictEqual(mix(untouched, config({ flip: 1 }), at), untouched)
    assert.deepStrictEqual(untouched, batchOf())
  })

  it("takes CutMix in the configured share of the batches where both are on", () => {
    const isCut = (index: number, mixSwitch: number) => {
      const { images } = mix(batchOf(index), config({ mixup: 1, cutmix: 1, mixSwitch }), at)
      const before = batchOf().images
      // Every value that is pasted or stays is one of two; a blended one is not.
      return images.every((x, i) => x === before[i] || x === before[(i + (size - 1) * area) % (size * area)])
    }
    const share = (mixSwitch: number) =>
      Array.from({ length: 400 }, (_, i) => isCut(i, mixSwitch)).filter(Boolean).length / 400
    assert.strictEqual(share(0), 0)
    assert.strictEqual(share(1), 1)
    assert.approximately(share(0.25), 0.25, 0.07)
  })
})

// scipy.stats.beta(a, a).cdf at these points.
const cdf = [
  [0.2, [0.20977769006775232, 0.33668977843005704, 0.43320418437596453, 0.5]],
  [1, [0.01, 0.1, 0.3, 0.5]],
  [2.5, [5.3743968195449395e-5, 0.015374720442541246, 0.1869669619088736, 0.5]]
] as const

it("betaOf draws as often below a number as scipy's distribution says", () => {
  for (const [alpha, shares] of cdf) {
    const random = draw("beta test", alpha)
    const drawn = Array.from({ length: 20_000 }, () => betaOf(random, alpha))
    for (const [i, x] of [0.01, 0.1, 0.3, 0.5].entries())
      // Four standard deviations of 20,000 draws at most.
      assert.approximately(drawn.filter((y) => y <= x).length / 20_000, shares[i]!, 0.0145, `alpha ${alpha}, ${x}`)
    assert.isTrue(drawn.every((y) => y >= 0 && y <= 1))
  }
  assert.isFalse(Number.isNaN(betaOf(draw("tiny"), 1e-3)))
})
