import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { nearest, nearestAmong, unitRows } from "../../../src/model/baseline/nearest.ts"
import { Products, rowsFrom } from "../../../src/model/baseline/Products.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { readModel } from "../../../src/run/readModel.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { fewerPhotos, openNeighbours } from "../../../src/run/similar/Neighbours.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { tinyConfig, tinyIds, tinyLayers } from "../train/tinyRun.ts"

const colours = ["red", "blue", ""]
const colourOf = (i: number) => colours[i % 3] ?? ""
const tagsOf = (i: number) => (i % 2 === 0 ? "new;warm" : "warm")

/** The tiny catalogue with three label columns; not every photo has a colour. */
const layers = Layer.merge(
  tinyLayers([
    ["id", "label", "colour", "tags"],
    ...tinyIds.map((id, i) => [id, id.replace(/\d+$/, ""), colourOf(i), tagsOf(i)])
  ]),
  Products.layerPlain
)
const config = tinyConfig({
  data: {
    root: "shop",
    minPerClass: 3,
    split: { train: 0.6, validation: 0.2, test: 0.2 },
    columns: { label: ["label", "colour", { column: "tags", separator: ";" }] }
  }
})

/** Photos in memory are named by their paths, also where a digest is asked for. */
const pathOf = (id: string) => `shop/images/${id}.jpg`
const indexOf = (path: string) => tinyIds.findIndex((id) => pathOf(id) === path)

const finished = Effect.gen(function* () {
  const run = yield* config
  yield* trainRun(run)
  const folder = yield* RunFolder
  return { run, folder, model: yield* readModel(folder) }
})

describe("the training photos that are like a photo", () => {
  it.effect("are of the class that is asked for, in whichever column, the most similar first, without the photo", () =>
    Effect.gen(function* () {
      const { folder, model, run } = yield* finished
      const { columns, featuresOf, nearest, photos } = yield* openNeighbours(run, folder, model)
      const trained = tinyIds.map(pathOf).filter((path) => featuresOf(path) !== undefined)
      assert.strictEqual(trained.length, photos)
      const truth = new Map<string, (i: number) => ReadonlyArray<string>>([
        ["label", (i) => [tinyIds[i]?.replace(/\d+$/, "") ?? ""]],
        ["colour", (i) => [colourOf(i)]],
        ["tags", (i) => tagsOf(i).split(";")]
      ])
      assert.deepStrictEqual(
        columns.map(({ name }) => name),
        [...truth.keys()]
      )
      for (const query of trained) {
        const features = featuresOf(query)
        if (features === undefined) continue
        const cosine = (path: string) => {
          const [a, b] = [unitRows(features).data, featuresOf(path)?.data ?? []]
          return a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0)
        }
        for (const { classes, name } of columns)
          for (const label of classes) {
            const [found = []] = yield* nearest(features, { column: name, label, count: 20, without: query })
            const expected = trained.filter(
              (path) => path !== query && truth.get(name)?.(indexOf(path)).includes(label)
            )
            assert.sameMembers(
              found.map(({ digest }) => digest),
              expected
            )
            // Photos may be equally similar but for the last digit.
            const descending = expected.map(cosine).sort((a, b) => b - a)
            for (const [at, { similarity }] of found.entries())
              assert.closeTo(similarity, descending[at] ?? Number.NaN, 1e-5)
            for (const { digest, label: named, similarity } of found) {
              assert.closeTo(similarity, cosine(digest), 1e-5)
              assert.strictEqual(named, truth.get(name)?.(indexOf(digest)).join(", "))
            }
            const [few = []] = yield* nearest(features, { column: name, label, count: 2, without: query })
            assert.deepStrictEqual(few, found.slice(0, 2))
          }
        // Without a class all photos are looked at, and itself is the first.
        assert.strictEqual((yield* nearest(features, { count: 1 }))[0]?.[0]?.digest, query)
        assert.deepStrictEqual(yield* nearest(features, { column: "label", label: "glove", count: 2 }), [[]])
        assert.deepStrictEqual(yield* nearest(features, { column: "none", label: "cap", count: 2 }), [[]])
      }
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layers)))
  )

  it.effect("are fewer where there is little memory, and no class goes without", () =>
    Effect.gen(function* () {
      const { folder, model, run } = yield* finished
      const all = yield* openNeighbours(run, folder, model)
      const [one] = tinyIds.flatMap((id) => all.featuresOf(pathOf(id)) ?? [])
      const few = yield* openNeighbours(run, folder, model, { memory: 5 * (one?.data.byteLength ?? 0) })
      assert.isAbove(all.photos, 5)
      assert.strictEqual(few.photos, 5)
      if (one === undefined) return assert.fail("no photo has features")
      for (const { classes, name } of few.columns.slice(0, 2))
        for (const label of classes) assert.isNotEmpty((yield* few.nearest(one, { column: name, label, count: 1 }))[0])
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layers)))
  )

  it("keep their places where their class is rare", () => {
    const photos = Array.from({ length: 1000 }, (_, i) => ({
      sample: { id: `${i}` },
      classes: [new Set([i < 5 ? 1 : 0]), new Set<number>(i % 2 === 0 ? [2] : [])]
    }))
    const few = fewerPhotos(photos, 60)
    assert.strictEqual(few.length, 60)
    assert.strictEqual(few.filter(({ classes: [own] }) => own?.has(1)).length, 5)
    assert.deepStrictEqual(fewerPhotos(photos.toReversed(), 60), few.toReversed())
    assert.strictEqual(fewerPhotos(photos, 1000), photos)
  })

  it.effect("are the same ones by plain loops over some rows", () =>
    Effect.gen(function* () {
      const random = draw("neighbours test")
      const matrix = (rows: number) => ({
        rows,
        columns: 7,
        data: Float32Array.from({ length: rows * 7 }, random.normal)
      })
      const [base, queries] = [unitRows(matrix(30)), unitRows(matrix(3))]
      const last = Array.from({ length: 20 }, (_, i) => i + 10)
      const loops = yield* nearestAmong(queries, base, last, 4)
      const products = yield* nearest(queries, rowsFrom(base, 10, 30), 4)
      for (const [q, near] of products.entries())
        for (const [at, { row, similarity }] of near.entries()) {
          assert.strictEqual(loops[q]?.[at]?.row, row + 10)
          assert.closeTo(loops[q]?.[at]?.similarity ?? 0, similarity, 1e-6)
        }
    }).pipe(Effect.provide(Products.layerPlain))
  )
})
