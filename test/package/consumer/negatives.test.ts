/** What a program does that has Weft as a dependency: a stage of its own, on the reference engine, in a test of its own. */
import { Effect, Layer } from "effect"
import { expect, it } from "vitest"
import { Checkpoints, decodeRunConfig, RunFolder, trainRun } from "weft-ml"
import { Live, SharpImages } from "weft-ml/layers"
import { Images } from "weft-ml/pipeline"

let loaded = 0

const Negatives = Layer.effect(
  Images,
  Effect.map(Images, (sharp) => ({
    ...sharp,
    load: (path, image) =>
      Effect.map(sharp.load(path, image), (pixels) => {
        loaded += 1
        return { ...pixels, data: pixels.data.map((value) => 255 - value) }
      })
  }))
).pipe(Layer.provide(SharpImages.layer))

const program = Effect.gen(function* () {
  const config = yield* decodeRunConfig(
    {
      data: { sample: { images: 200 }, columns: { label: "articleType" }, minPerClass: 20 },
      image: { height: 48, width: 48 },
      engine: { name: "reference" },
      train: { epochs: 1 }
    },
    "negatives.test.ts"
  )
  return yield* trainRun(config)
}).pipe(Effect.provide([Negatives, RunFolder.layerMemory, Checkpoints.layerMemory(1)]), Effect.provide(Live.layer))

it("trains on negatives", { timeout: 120_000 }, async () => {
  const { data, engine, test } = await Effect.runPromise(program)
  expect(engine.name).toBe("reference")
  expect(data.classes).toBe(3)
  expect(test?.accuracy).toBeGreaterThanOrEqual(0)
  expect(loaded).toBeGreaterThanOrEqual(data.kept)
})
