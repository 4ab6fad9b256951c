import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { readCorrections } from "../../../src/layers/sources/corrections.ts"
import { labelErrorsCsv } from "../../../src/run/labelNoise/labelErrorsCsv.ts"
import { listLabelErrors } from "../../../src/run/labelNoise/listLabelErrors.ts"
import { Thumbnails } from "../../../src/run/report/Thumbnails.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { flipped, shopConfig, shopLayers, shopRows, sidedConfig } from "./shop.ts"

const layers = Layer.merge(
  shopLayers(),
  Thumbnails.layerMemory(
    new Map(shopRows.map(({ id }) => [`shop/images/${id}.jpg`, "data:image/png;base64,iVBORw0KGgo="]))
  )
)

describe("the list of a catalogue's worst training labels", () => {
  it.effect("begins with those that are likely wrong, has no validation or test photo, and leaves no run", () =>
    Effect.gen(function* () {
      const { csv, found, page } = yield* listLabelErrors(yield* shopConfig(), 10)
      const [column] = found.columns
      if (column === undefined) return assert.fail("there is no column")
      const likely = column.labels.filter(({ isLikely }) => isLikely)
      assert.deepStrictEqual(likely.map(({ id }) => id).toSorted(), flipped)
      assert.deepStrictEqual(column.labels.slice(0, likely.length), likely)
      assert.isTrue(column.labels.every(({ id }) => id.includes("-train-")))
      assert.isAtMost(column.labels.length, 10)
      for (const id of flipped) {
        assert.include(csv, `\n${id},label,`)
        assert.include(page, id)
      }
      assert.include(page, "data:image/png;base64,iVBORw0KGgo=")
      assert.isFalse(yield* (yield* RunFolder).has("config.json"))
    }).pipe(Effect.provide(layers))
  )

  it.effect("has as many of each label column as are wanted", () =>
    Effect.gen(function* () {
      const { found } = yield* listLabelErrors(yield* sidedConfig(), 1)
      assert.deepStrictEqual(
        found.columns.map(({ labels, name }) => [name, labels.length]),
        [
          ["label", 1],
          ["side", 1]
        ]
      )
    }).pipe(Effect.provide(layers))
  )

  it.effect("is refused without trained weights, by the name of the flag", () =>
    Effect.gen(function* () {
      const config = yield* shopConfig({}, { network: { name: "simple-cnn" } })
      const { message } = yield* Effect.flip(listLabelErrors(config, 10))
      assert.include(message, "--label-errors")
      assert.include(message, "network.weights")
    }).pipe(Effect.provide(layers))
  )

  it.effect("is read as corrections, names with commas, quotes and formulas too", () =>
    Effect.gen(function* () {
      const labelOf = (id: string, predicted: string) => ({
        id,
        file: `images/${id}.jpg`,
        digest: "",
        column: "kind, of what",
        label: "cap",
        predicted,
        labelProbability: 1e-9,
        predictedProbability: 0.75,
        isLikely: true
      })
      const wanted = new Map([
        ["a", 'a "large" cap'],
        ["b,c", "=SUM(A1)"],
        ["d", "caps, hats"]
      ])
      const file = join(yield* temporaryFolder, "label-errors.csv")
      writeFileSync(file, labelErrorsCsv(Array.from(wanted, ([id, predicted]) => labelOf(id, predicted))))
      const { cells } = yield* readCorrections(file)
      assert.deepStrictEqual(
        new Map(Array.from(cells, ([id, values]) => [id, values.get("kind, of what")])),
        new Map<string, string | undefined>(wanted)
      )
    })
  )
})
