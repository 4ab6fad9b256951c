import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { FeatureSource } from "../../src/model/FeatureSpace.ts"
import { featureKey, featureSpace, weightsDigest } from "../../src/model/FeatureSpace.ts"
import { flat, frozenOf, inside } from "./featuresContract.ts"

const augment = {
  flip: 0.5,
  rotation: 10,
  crop: 0,
  brightness: 0,
  contrast: 0,
  saturation: 0,
  hue: 0,
  noise: 0
}
const image = { height: 18, width: 13, fit: "fill", background: [255, 255, 255], maxPixels: 1000 } as const

const source: FeatureSource = {
  blocks: flat,
  input: [18, 13, 3],
  weights: "0".repeat(64),
  engine: "onnxruntime 1.30.0, float32",
  image: { ...image, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  view: { augment, seed: 1, epoch: 0 },
  versions: { sharp: "0.35.5", weft: "0.1.0" }
}

const view = (change: object): FeatureSource => ({ ...source, view: { augment, seed: 1, epoch: 0, ...change } })
const picture = (change: object): FeatureSource => ({ ...source, image: { ...source.image, ...change } })

const others: Readonly<Record<string, FeatureSource>> = {
  "another block": { ...source, blocks: flat.slice(0, -1) },
  "another number in a block": {
    ...source,
    blocks: flat.map((b) => (b._tag === "BatchNorm" ? { ...b, eps: 1e-5 } : b))
  },
  "another size": { ...source, input: [18, 14, 3] },
  "other weights": { ...source, weights: `${"0".repeat(63)}1` },
  "another engine": { ...source, engine: "onnxruntime 1.30.1, float32" },
  "another precision": { ...source, engine: "onnxruntime 1.30.0, float16" },
  "another height": picture({ height: 19 }),
  "another fit": picture({ fit: "cover" }),
  "another background": picture({ background: [255, 255, 254] }),
  "another mean": picture({ mean: [0.5, 0.4, 0.5] }),
  "another deviation": picture({ std: [0.5, 0.5, 0.6] }),
  "plain images": { ...source, view: "plain" },
  "another augmentation": view({ augment: { ...augment, rotation: 11 } }),
  "another seed": view({ seed: 2 }),
  "another epoch": view({ epoch: 1 }),
  "another decoder": { ...source, versions: { ...source.versions, sharp: "0.35.6" } }
}

it.effect.each(Object.entries(others))("the features of %s are another space's", ([, other]) =>
  Effect.gen(function* () {
    assert.notStrictEqual((yield* featureSpace(other)).digest, (yield* featureSpace(source)).digest)
  })
)

it.effect("a space does not depend on the order in which its source is written down", () =>
  Effect.gen(function* () {
    const turned = (value: object) => Object.fromEntries(Object.entries(value).toReversed())
    const { digest, isPlain, length } = yield* featureSpace(source)
    // The same entries: the same type.
    const other = { ...turned(source), image: turned(source.image) } as unknown as FeatureSource
    assert.strictEqual((yield* featureSpace(other)).digest, digest)
    assert.match(digest, /^[0-9a-f]{64}$/)
    assert.strictEqual(length, 5)
    assert.isFalse(isPlain)
    const images = yield* featureSpace({ ...source, blocks: inside, view: "plain" })
    assert.strictEqual(images.length, 5 * 4 * 10)
  })
)

it.effect("a sample's key is its image's, and its id's where the id draws the view", () =>
  Effect.gen(function* () {
    const drawn = yield* featureSpace(source)
    const plain = yield* featureSpace({ ...source, view: "plain" })
    const [image, other] = ["12".repeat(32), "13".repeat(32)]
    assert.strictEqual(yield* featureKey(plain, { image, id: "a" }), yield* featureKey(plain, { image, id: "b" }))
    const keys = yield* Effect.all([
      featureKey(plain, { image, id: "a" }),
      featureKey(plain, { image: other, id: "a" }),
      featureKey(drawn, { image, id: "a" }),
      featureKey(drawn, { image, id: "b" }),
      featureKey(drawn, { image: other, id: "a" })
    ])
    assert.strictEqual(new Set(keys).size, 5)
    assert.isTrue(keys.every((key) => /^[0-9a-f]{64}$/.test(key)))
  })
)

it.effect("the weights' digest sees any bit, name and shape of a frozen tensor, and no other tensor", () =>
  Effect.gen(function* () {
    const frozen = frozenOf(flat, [18, 13, 3])
    const digest = yield* weightsDigest(frozen)
    for (const [name, { data, shape }] of frozen.weights) {
      const changed = data.slice()
      const bytes = new Uint8Array(changed.buffer)
      bytes[bytes.length - 4]! ^= 1 // the last bit of the last number
      const weights = new Map([...frozen.weights, [name, { shape, data: changed }]])
      assert.notStrictEqual(yield* weightsDigest({ ...frozen, weights }), digest, name)
    }
    const head = { shape: [2], data: Float32Array.of(1, 2) }
    const more = new Map([...frozen.weights, ["head.weight", head]])
    assert.strictEqual(yield* weightsDigest({ ...frozen, weights: more }), digest)
  })
)
