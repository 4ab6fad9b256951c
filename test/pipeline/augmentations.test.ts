import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { affineOf, mirror, resample } from "../../src/pipeline/affine.ts"
import { Augment } from "../../src/pipeline/Augment.ts"
import { AugmentConfig } from "../../src/pipeline/AugmentConfig.ts"
import { augmentPixels } from "../../src/pipeline/augmentations.ts"
import { jitterColours } from "../../src/pipeline/augmentations/colourJitter.ts"
import { draw } from "../../src/pipeline/draw.ts"
import { addNoise } from "../../src/pipeline/augmentations/noise.ts"
import { distance, figure } from "../fixtures/pictures.ts"

const source = figure("source")
const white = [255, 255, 255]
const off = Schema.decodeSync(AugmentConfig)({})
const all = {
  flip: 0.5,
  rotation: 20,
  crop: 0.3,
  brightness: 0.4,
  contrast: 0.4,
  saturation: 0.4,
  hue: 0.1,
  noise: 0.05,
  mixup: 0,
  cutmix: 0,
  mixSwitch: 0
}
const operations = ["flip", "rotation", "crop", "brightness", "contrast", "saturation", "hue", "noise"] as const

const geometry = (change: Partial<Parameters<typeof affineOf>[0]>) =>
  resample(
    source,
    affineOf({ flip: false, degrees: 0, crop: { left: 0, top: 0, width: 20, height: 14 }, ...change }, 20, 14),
    [250, 240, 10]
  )
const jitter = (change: Partial<Parameters<typeof jitterColours>[1]>) =>
  jitterColours(source, { brightness: 1, contrast: 1, saturation: 1, hue: 0, ...change })

describe("geometry against Pillow", () => {
  it("an identity gives the same bytes", () => {
    assert.deepStrictEqual(geometry({}).data, source.data)
  })
  it("a mirror image is exact, by copying and by sampling", () => {
    assert.deepStrictEqual(mirror(source).data, figure("flip").data)
    assert.deepStrictEqual(geometry({ flip: true }).data, figure("flip").data)
  })
  // Pillow cuts fractions off and ours rounds: never more than a level apart.
  it("rotations and crops agree to a level, the background's edge included", () => {
    assert.isAtMost(distance(geometry({ degrees: 10 }), figure("rotate10")).largest, 1)
    assert.isAtMost(distance(geometry({ degrees: -33 }), figure("rotateBack")).largest, 1)
    const crop = { left: 2.5, top: 1.25, width: 16, height: 11.2 }
    assert.isAtMost(distance(geometry({ crop }), figure("crop")).largest, 1)
    assert.isAtMost(distance(geometry({ flip: true, degrees: 17 }), figure("cropFlipRotate")).largest, 1)
  })
  it("a rotated crop shows the source beyond the crop, not the background", () => {
    const crop = { left: 6, top: 4, width: 8, height: 6 }
    const { data } = geometry({ degrees: 30, crop })
    for (let i = 0; i < data.length; i += 3)
      assert.notDeepEqual([data[i], data[i + 1], data[i + 2]], [250, 240, 10], `pixel ${i / 3}`)
  })
})

describe("colours against torchvision", () => {
  it("each operation alone agrees to a level", () => {
    const pairs = [
      [jitter({ brightness: 1.3 }), "brightness"],
      [jitter({ contrast: 0.6 }), "contrast"],
      [jitter({ contrast: 1.7 }), "contrast2"],
      [jitter({ saturation: 1.5 }), "saturation"],
      [jitter({ hue: 0.13 }), "hue"],
      [jitter({ hue: -0.4 }), "hueBack"]
    ] as const
    for (const [pixels, name] of pairs) assert.isAtMost(distance(pixels, figure(name)).largest, 1, name)
  })
  it("all four agree to three levels, for torchvision cuts fractions off four times", () => {
    const pixels = jitter({ brightness: 0.8, contrast: 1.2, saturation: 0.7, hue: 0.05 })
    assert.isAtMost(distance(pixels, figure("jitter")).largest, 3)
  })
  it("grey stays grey under every hue and saturation", () => {
    const grey = { height: 1, width: 256, data: Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3)) }
    const after = jitterColours(grey, { brightness: 1, contrast: 1, saturation: 1.8, hue: 0.3 })
    assert.deepStrictEqual(after.data, grey.data)
  })
})

describe("noise", () => {
  it("has the configured spread, no drift, and another pattern for another key", () => {
    const grey = { height: 100, width: 101, data: new Uint8Array(30_300).fill(128) }
    const noisy = addNoise(grey, 10, draw(1)).data
    const mean = noisy.reduce((sum, v) => sum + v - 128, 0) / noisy.length
    const deviation = Math.sqrt(noisy.reduce((sum, v) => sum + (v - 128 - mean) ** 2, 0) / noisy.length)
    assert.isBelow(Math.abs(mean), 0.25)
    assert.isBelow(Math.abs(deviation - 10), 0.25)
    // Of a normal distribution, 4.6 % lie beyond two deviations.
    const beyond = noisy.reduce((n, v) => n + (Math.abs(v - 128) > 20 ? 1 : 0), 0) / noisy.length
    assert.isBelow(Math.abs(beyond - 0.041), 0.006)
    assert.notDeepEqual(addNoise(grey, 10, draw(2)).data, noisy)
  })
})

const at = { seed: 7, epoch: 3, id: "15970" }
const Part = Schema.Struct({
  seed: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 32 - 1 })),
  epoch: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 })),
  id: Schema.NonEmptyString
})

describe("augmentPixels", () => {
  it("with everything off gives the very same pixels", () => {
    assert.strictEqual(augmentPixels(source, off, at, white), source)
  })
  it.effect.prop("gives the same bytes for the same seed, epoch and id, and leaves its input alone", [Part], ([part]) =>
    Effect.sync(() => {
      const before = source.data.slice()
      const first = augmentPixels(source, all, part, white)
      // What was drawn in between changes nothing.
      augmentPixels(source, all, { ...part, epoch: part.epoch + 1 }, white)
      assert.deepStrictEqual(augmentPixels(source, all, part, white), first)
      assert.deepStrictEqual(source.data, before)
      assert.deepStrictEqual([first.height, first.width, first.data.length], [14, 20, 840])
    })
  )
  it("every operation differs by seed, by epoch and by id", () => {
    for (const operation of operations) {
      const config = { ...off, [operation]: all[operation] }
      const some = (change: Partial<typeof at>, suffix = "") =>
        Array.from({ length: 12 }, (_, i) =>
          augmentPixels(source, config, { ...at, id: `${i}${suffix}`, ...change }, white).data.join()
        )
      const base = some({})
      assert.deepStrictEqual(some({}), base)
      for (const other of [some({ seed: 8 }), some({ epoch: 4 }), some({}, "x")])
        assert.notDeepEqual(other, base, operation)
    }
  })
  it.effect.prop(
    "is flip, crop and rotation sampled once, then colours, then noise, each by its own draw",
    [Part],
    ([part]) =>
      Effect.sync(() => {
        const of = (operation: string) => draw(part.seed, part.epoch, part.id, operation)
        const crop = of("crop")
        const kept = 1 - crop.between(0, all.crop)
        const size = { width: 20 * kept, height: 14 * kept }
        const window = { left: crop.between(0, 20 - size.width), top: crop.between(0, 14 - size.height), ...size }
        const flip = of("flip").next() < all.flip
        const degrees = of("rotation").between(-all.rotation, all.rotation)
        const moved = resample(source, affineOf({ flip, degrees, crop: window }, 20, 14), white)
        const factor = (operation: "brightness" | "contrast" | "saturation") =>
          of(operation).between(1 - all[operation], 1 + all[operation])
        const coloured = jitterColours(moved, {
          brightness: factor("brightness"),
          contrast: factor("contrast"),
          saturation: factor("saturation"),
          hue: of("hue").between(-all.hue, all.hue)
        })
        assert.deepStrictEqual(
          augmentPixels(source, all, part, white),
          addNoise(coloured, all.noise * 255, of("noise"))
        )
      })
  )
  it("every operation alone changes the picture", () => {
    for (const operation of operations) {
      const config = { ...off, [operation]: operation === "flip" ? 1 : all[operation] }
      assert.notDeepEqual(augmentPixels(source, config, at, white).data, source.data, operation)
    }
  })
  it("switching one operation on leaves the draws of the others as they were", () => {
    // On a grey picture that is left and right the same, only brightness can be seen; the others draw all the same.
    const grey = { height: 9, width: 7, data: new Uint8Array(189).fill(100) }
    const brightness = augmentPixels(grey, { ...off, brightness: 0.4 }, at, white).data
    const more = { ...off, brightness: 0.4, flip: 0.5, crop: 0.3, saturation: 0.4, hue: 0.1 }
    assert.notDeepEqual(brightness, grey.data)
    assert.deepStrictEqual(augmentPixels(grey, more, at, white).data, brightness)
    // And the flips are the same with a crop as without one.
    const flips = (config: AugmentConfig) =>
      Array.from({ length: 40 }, (_, i) => {
        const { data } = augmentPixels(source, config, { ...at, id: `${i}` }, white)
        return (data[0] ?? 0) > (data[57] ?? 0)
      })
    assert.deepStrictEqual(flips({ ...off, flip: 0.5, crop: 0.02 }), flips({ ...off, flip: 0.5 }))
    assert.deepStrictEqual(new Set(flips({ ...off, flip: 0.5 })).size, 2)
  })
  it("flips as often as configured, and turns both ways within the bound", () => {
    const flipped = Array.from({ length: 400 }, (_, i) =>
      augmentPixels(source, { ...off, flip: 0.25 }, { ...at, id: `${i}` }, white)
    ).filter((pixels) => pixels !== source)
    assert.isBelow(Math.abs(flipped.length / 400 - 0.25), 0.07)
    // A rotation by at most 2 degrees leaves the middle of a 20 x 14 picture within a few levels.
    const turned = augmentPixels(source, { ...off, rotation: 2 }, at, white)
    const middle = (7 * 20 + 10) * 3
    assert.isAtMost(Math.abs((turned.data[middle] ?? 0) - (source.data[middle] ?? 0)), 3)
  })
  it("a crop that may take everything away still gives a picture", () => {
    for (let i = 0; i < 50; i++) {
      const config = { ...off, crop: 1 }
      const { data } = augmentPixels(source, config, { ...at, id: `${i}` }, [250, 240, 10])
      assert.notInclude(
        Array.from({ length: 280 }, (_, p) => data.slice(p * 3, p * 3 + 3).join()),
        "250,240,10"
      )
    }
  })
})

it.effect("the Layer in memory applies the pure functions", () =>
  Effect.gen(function* () {
    const augment = yield* Augment
    assert.deepStrictEqual(yield* augment.apply(source, all, at, white), augmentPixels(source, all, at, white))
  }).pipe(Effect.provide(Augment.layer))
)
