import { assert, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { FeatureCache } from "../../../src/model/FeatureCache.ts"
import { Augment } from "../../../src/pipeline/Augment.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { withKey } from "../../../src/pipeline/withKey.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { featureBatches } from "../../../src/run/train/featureBatches.ts"
import { Machine } from "../../../src/run/Machine.ts"
import { lossesOf } from "../../losses.ts"

const [height, width] = [9, 8]
const area = height * width * 3
const samples = Array.from({ length: 7 }, (_, i) => ({
  id: `s${i}`,
  // Five of the first class, and one each of two others.
  label: Math.max(0, i - 4),
  path: `${i}.jpg`,
  line: i + 2,
  digest: String(i).repeat(64)
}))

/** Images that are filled with their sample's number. */
const imagesFrom = (service: Images["Service"]) => Layer.succeed(Images, service)
const numbered = {
  load: (path: string) => Effect.succeed({ height, width, data: new Uint8Array(area).fill(Number.parseInt(path)) }),
  check: () => Effect.die("not used here")
}
const layers = Layer.mergeAll(
  imagesFrom(withKey(numbered, "numbers")),
  Augment.layer,
  Machine.layerTest,
  FeatureCache.layerMemory
)

/** The batches of an epoch, twice, and how many images the frozen part was applied to. */
const twice = Effect.fnUntraced(function* (augment: object, sampling?: string) {
  const config = yield* decodeRunConfig(
    {
      data: { root: "shop" },
      image: { height, width },
      train: { batchSize: 3, ...(sampling && { sampling }) },
      augment
    },
    "test"
  )
  let applied = 0
  const features = {
    engine: "test",
    shape: [3] as const,
    key: "the two ends and the middle",
    run: (images: Float32Array, size: number) =>
      Effect.sync(() => {
        applied += size
        return Float32Array.from(
          { length: size * 3 },
          (_, i) => images[Math.floor(i / 3) * area + [0, area / 2, area - 1][i % 3]!]!
        )
      })
  }
  const frozen = {
    blocks: [{ _tag: "GlobalAveragePool" } as const],
    input: [height, width, 3] as const,
    weights: new Map()
  }
  const batches = yield* featureBatches(config, features, frozen, lossesOf({ train: samples }))
  const epoch = Stream.runCollect(batches.training(samples, 1, 0))
  return { first: yield* epoch, again: yield* epoch, applied: () => applied }
})

it.effect("features of images that are one of two are never taken from the cache, which would forget the other", () =>
  Effect.gen(function* () {
    const { again, applied, first } = yield* twice({ mixup: 0.5 })
    assert.strictEqual(applied(), 14)
    assert.deepStrictEqual(again, first)
    for (const { features, mix, size } of first) {
      assert.strictEqual(mix?.partners.length, size)
      assert.strictEqual(features?.length, 3 * size)
      assert.strictEqual(mix?.partners[0], size - 1)
    }
  }).pipe(Effect.provide(Layer.fresh(layers)))
)

it.effect("a switch between two kinds of mixing that are off makes no other views: the cache is used", () =>
  Effect.gen(function* () {
    const plain = yield* twice({})
    assert.strictEqual(plain.applied(), 7)
    const { again, applied } = yield* twice({ mixSwitch: 0.9 })
    assert.strictEqual(applied(), 0)
    assert.deepStrictEqual(again, plain.again)
    const augmented = yield* twice({ noise: 0.1 })
    assert.strictEqual(augmented.applied(), 7)
    const switched = yield* twice({ noise: 0.1, mixSwitch: 0.9, mixup: 0, cutmix: 0 })
    assert.strictEqual(switched.applied(), 0)
    assert.deepStrictEqual(switched.again, augmented.again)
    assert.strictEqual((yield* twice({ noise: 0.2 })).applied(), 7)
  }).pipe(Effect.provide(Layer.fresh(layers)))
)

it.effect("features of a sample that comes again in its epoch are those of its own random changes, cached or not", () =>
  Effect.gen(function* () {
    const labels = (all: ReadonlyArray<{ readonly labels: Int32Array }>) => all.flatMap(({ labels }) => [...labels])
    const { again, applied, first } = yield* twice({ noise: 0.1 }, "balanced")
    assert.strictEqual(applied(), 7)
    // The only samples of two classes come twice.
    assert.deepStrictEqual(labels(first).toSorted(), [0, 0, 0, 1, 1, 2, 2])
    assert.deepStrictEqual(again, first)
    // The first time, a sample has the changes that it has without sampling.
    const byId = (all: typeof first) =>
      all.flatMap(({ features, ids }) => ids.map((id, i) => [id, [...features!.subarray(3 * i, 3 * i + 3)]] as const))
    const shuffled = new Map(byId((yield* twice({ noise: 0.1 })).first))
    const seen = new Set<string>()
    for (const [id, features] of byId(first)) {
      if (seen.has(id)) assert.notDeepEqual(features, shuffled.get(id), id)
      else assert.deepStrictEqual(features, shuffled.get(id))
      seen.add(id)
    }
    assert.strictEqual(seen.size, 5)
  }).pipe(Effect.provide(Layer.fresh(layers)))
)

it.effect(
  "features of a stage without a key, or of a changed copy, are not kept; another key has features of its own",
  () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* twice({})).applied(), 7)
      const changed = imagesFrom({ ...withKey(numbered, "numbers") })
      assert.strictEqual((yield* Effect.provide(twice({}), changed)).applied(), 14)
      assert.strictEqual((yield* Effect.provide(twice({}), imagesFrom(withKey(numbered, "others")))).applied(), 7)
      const ownChanges = Layer.effect(
        Augment,
        Effect.map(Augment, (augment) => ({ ...augment }))
      )
      // What is not augmented does not depend on it.
      assert.strictEqual((yield* Effect.provide(twice({}), ownChanges)).applied(), 0)
      assert.strictEqual((yield* Effect.provide(twice({ noise: 0.1 }), ownChanges)).applied(), 14)
    }).pipe(Effect.provide(Layer.fresh(layers)))
)
