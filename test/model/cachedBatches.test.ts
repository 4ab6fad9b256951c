import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { cachedBatches } from "../../src/model/cachedBatches.ts"
import { FeatureCache, FeatureCacheError } from "../../src/model/FeatureCache.ts"
import type { Batch } from "../../src/pipeline/Batch.ts"
import type { Losses } from "../../src/pipeline/Losses.ts"
import { lossesOf } from "../losses.ts"

const length = 3
const samples = Array.from({ length: 11 }, (_, i) => ({
  id: `s${i}`,
  label: i % 4,
  path: `${i}.jpg`,
  digest: `digest ${i}`,
  line: i + 2
}))
const space = { digest: "space", length, isPlain: true }

/** Images whose first number is the sample's; counts the batches that are made. */
const pictures = (losses: Losses) => {
  const made: Array<number> = []
  const images = (from: number) =>
    Stream.range(from, 2).pipe(
      Stream.rechunk(1),
      Stream.map((index): Batch => {
        made.push(index)
        const some = samples.slice(index * 4, (index + 1) * 4).filter(({ id }) => losses.of(id) === undefined)
        return {
          index,
          images: Float32Array.from(some, ({ line }) => line),
          labels: Int32Array.from(some, ({ label }) => label),
          ids: some.map(({ id }) => id),
          size: some.length,
          height: 1,
          width: 1
        }
      })
    )
  return { images, made }
}

const features = {
  engine: "test",
  shape: [length] as const,
  key: "test",
  run: (images: Float32Array) =>
    Effect.succeed(
      Float32Array.from({ length: images.length * length }, (_, i) => images[Math.floor(i / 3)]! + (i % 3))
    )
}

const epoch = Effect.fnUntraced(function* (from: number, order = samples, losses = lossesOf({ train: samples })) {
  const { images, made } = pictures(losses)
  const troubles: Array<string> = []
  const batches = yield* Stream.runCollect(
    cachedBatches({
      space,
      features,
      samples: order,
      losses,
      batchSize: 4,
      from,
      height: 1,
      width: 1,
      images,
      onTrouble: ({ message }) => Effect.sync(() => void troubles.push(message))
    })
  )
  return { batches, made, troubles }
})

const facts = (batches: ReadonlyArray<Batch>) =>
  batches.map(({ features, ids, index, labels, size }) => ({ index, size, ids, labels, features }))

describe("batches of cached features", () => {
  it.effect("are the same out of the cache, where no image is made any more", () =>
    Effect.gen(function* () {
      const first = yield* epoch(0)
      assert.deepStrictEqual(first.made, [0, 1, 2])
      assert.deepStrictEqual(
        first.batches.map(({ features }) => features!.length),
        [12, 12, 9]
      )
      assert.deepStrictEqual([...first.batches[1]!.features!.subarray(0, 4)], [6, 7, 8, 7])
      const second = yield* epoch(0)
      assert.deepStrictEqual(second.made, [])
      assert.deepStrictEqual(facts(second.batches), facts(first.batches))
      assert.deepStrictEqual(facts((yield* epoch(1)).batches), facts(first.batches).slice(1))
    }).pipe(Effect.provide(FeatureCache.layerMemory))
  )

  it.effect("have the labels of every label column, out of the cache too", () =>
    Effect.gen(function* () {
      const columns = [
        { name: "type", classes: ["a", "b"], values: "one" },
        { name: "tags", classes: ["x", "y"], values: "several" }
      ] as const
      const labelled = samples.map((sample, i) => ({
        ...sample,
        label: i % 3 === 0 ? -1 : i % 2,
        labels: [i % 3 === 0 ? undefined : [i % 2], i % 4 === 0 ? undefined : i % 4 === 1 ? [] : [1]]
      }))
      const losses = { ...lossesOf({ train: samples }), columns }
      yield* epoch(0)
      const { batches, made } = yield* epoch(0, labelled, losses)
      assert.deepStrictEqual(made, [])
      const [first] = batches
      assert.deepStrictEqual(first?.labels, Int32Array.of(-1, 1, 0, -1))
      assert.deepStrictEqual(first?.columns, [
        { values: "one", labels: Int32Array.of(-1, 1, 0, -1) },
        { values: "several", labels: Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 1), known: Uint8Array.of(0, 1, 1, 1) }
      ])
    }).pipe(Effect.provide(Layer.fresh(FeatureCache.layerMemory)))
  )

  it.effect("come of the images from the first that the cache lacks on", () =>
    Effect.gen(function* () {
      const whole = yield* epoch(0).pipe(Effect.provide(Layer.fresh(FeatureCache.layerMemory)))
      const cache = yield* FeatureCache
      const keys = samples.slice(0, 6).map(({ digest }) => digest)
      const flat = whole.batches.flatMap(({ features }) => [...features!])
      yield* cache.write(space, keys, Float32Array.from(flat.slice(0, keys.length * length)))
      const { batches, made } = yield* epoch(0)
      assert.deepStrictEqual(made, [1, 2])
      assert.deepStrictEqual(facts(batches), facts(whole.batches))
    }).pipe(Effect.provide(FeatureCache.layerMemory))
  )

  it.effect("leave out samples that have left, and keep the others' features under their own images", () =>
    Effect.gen(function* () {
      const whole = yield* epoch(0).pipe(Effect.provide(Layer.fresh(FeatureCache.layerMemory)))
      const losses = lossesOf({ train: samples })
      const left = { id: "s5", reason: "imageChanged" as const, detail: "another one" }
      losses.restore([left])
      const first = yield* epoch(0, samples, losses)
      assert.deepStrictEqual(first.made, [0, 1, 2])
      const second = yield* epoch(0, samples, losses)
      assert.deepStrictEqual(second.made, [])
      const rows = (batches: ReadonlyArray<Batch>) =>
        batches.flatMap(({ features, ids }) => ids.map((id, i) => [id, [...features!.subarray(i * 3, i * 3 + 3)]]))
      const expected = rows(whole.batches).filter(([id]) => id !== "s5")
      assert.deepStrictEqual(rows(first.batches), expected)
      assert.deepStrictEqual(rows(second.batches), expected)
      assert.deepStrictEqual(
        second.batches.map(({ lost, size }) => [size, lost]),
        [
          [4, undefined],
          [3, [left]],
          [3, undefined]
        ]
      )
      // Nothing is known of the one that left.
      assert.deepStrictEqual((yield* epoch(0)).made, [1, 2])
    }).pipe(Effect.provide(FeatureCache.layerMemory))
  )

  it.effect("do without a cache that fails, and say so once", () =>
    Effect.gen(function* () {
      const { batches, made, troubles } = yield* epoch(0)
      assert.deepStrictEqual(made, [0, 1, 2])
      assert.strictEqual(batches.length, 3)
      assert.deepStrictEqual(troubles, ["the feature cache cannot use there: it is full"])
    }).pipe(
      Effect.provide(
        Layer.mock(FeatureCache, {
          read: () => Effect.fail(new FeatureCacheError({ path: "there", reason: "diskFull", detail: "it is full" }))
        })
      )
    )
  )
})
