import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Augment } from "../../../src/pipeline/Augment.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { makeLosses } from "../../../src/pipeline/Losses.ts"
import type { Batch } from "../../../src/pipeline/Batch.ts"
import type { Dataset } from "../../../src/pipeline/Dataset.ts"
import type { Sample } from "../../../src/pipeline/Sample.ts"
import { covered, occlude } from "../../../src/run/report/occlusion.ts"
import { Thumbnails } from "../../../src/run/report/Thumbnails.ts"
import { tinyConfig } from "../train/tinyRun.ts"

const [height, width] = [24, 32]
const area = height * width * 3
/** Where the network of the test looks: the middle of the cell in row 1, column 6. */
const at = (Math.floor((1.5 / 8) * height) * width + Math.floor((6.5 / 8) * width)) * 3
const photo = { height, width, data: new Uint8Array(area).fill(255) }
const labels = ["cap", "scarf"]
const layers = Layer.mergeAll(
  Images.layerMemory(new Map(["a", "b", "c"].map((path) => [path, photo]))),
  Augment.layer,
  Thumbnails.layerMemory(new Map([["pixels", "data:image/webp;base64,AAAA"]]))
)

/** A network that says "scarf" where one pixel is bright. */
const look = (batches: Array<number>) => (batch: Batch) =>
  Effect.sync(() => {
    batches.push(batch.size)
    return Float32Array.from({ length: 2 * batch.size }, (_, i) =>
      i % 2 === 0 ? 0 : batch.images[Math.floor(i / 2) * area + at]! > 0.5 ? 2 : -2
    )
  })

describe("occlusion", () => {
  it("covers every pixel four times, with the mean colour, and leaves the rest as it is", () => {
    const image = Float32Array.from({ length: area }, (_, i) => 1 + (i % 7))
    const copies = covered(image, height, width)
    assert.strictEqual(copies.length, 82 * area)
    const times = new Int32Array(area)
    assert.deepStrictEqual(copies.slice(0, area), image)
    for (let copy = 1; copy < 82; copy++) {
      const own = copies.subarray(copy * area, (copy + 1) * area)
      assert.isTrue(own.every((value, i) => value === 0 || value === image[i]))
      for (const [i, value] of own.entries()) times[i]! += value === 0 ? 1 : 0
    }
    // Those at the edges too.
    assert.isTrue(times.every((n) => n === 4))
  })

  it.effect("finds the place that made a mistake, of mistakes alone, the worst first", () =>
    Effect.gen(function* () {
      const config = yield* tinyConfig({ image: { height, width } })
      const samples = ["a", "b", "c"].map((id): Sample => ({ id, label: 0, path: id, digest: id, line: 2 }))
      const dataset: Dataset = {
        classes: labels,
        columns: [{ name: "label", classes: labels, values: "one" }],
        train: [],
        validation: [],
        test: samples,
        ledger: { listed: 3, kept: 3, refusals: [], overLimit: 0 },
        root: ".",
        digest: ""
      }
      const batches: Array<number> = []
      const found = yield* occlude({
        predictor: { predict: look(batches) },
        config,
        labels,
        samples,
        // a is right; b and c are taken for a scarf, c more surely.
        predictions: {
          classes: 2,
          logits: Float32Array.from([1, 0, 0, 1, 0, 2]),
          labels: Int32Array.from([0, 0, 0])
        },
        losses: makeLosses(dataset, config.data)
      })
      assert.deepStrictEqual(
        found.photos.map(({ id, label, predicted }) => [id, label, predicted]),
        [
          ["c", "cap", "scarf"],
          ["b", "cap", "scarf"]
        ]
      )
      assert.strictEqual(found.wanted, 2)
      assert.isTrue(batches.every((size) => size <= config.train.batchSize))
      const { drops, probability } = found.photos[0]!
      assert.closeTo(probability, 1 / (1 + Math.exp(-2)), 1e-6)
      const strongest = drops.indexOf(Math.max(...drops))
      assert.deepStrictEqual([Math.floor(strongest / 8), strongest % 8], [1, 6])
      // Far from it, covering changes nothing.
      assert.strictEqual(drops[7 * 8], 0)
    }).pipe(Effect.provide(layers))
  )
})
