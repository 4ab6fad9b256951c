import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { Engine } from "../../../src/model/Engine.ts"
import { withFeatures, featureSession } from "../../../src/model/featureSession.ts"
import { Network } from "../../../src/model/Network.ts"
import { splitAt } from "../../../src/model/parts.ts"
import { inputShape, outputOf } from "../../../src/model/shapes.ts"
import type { Batch } from "../../../src/pipeline/Batch.ts"
import type { KnownClasses } from "../../../src/pipeline/LabelColumn.ts"
import { columnLabels } from "../../../src/pipeline/LabelColumn.ts"
import { caseFields } from "./figures.ts"
import { allTrained } from "./freezing.ts"
import { trainsAs } from "./pyTorch.ts"
import { assertNear, assertSameBits, openSession, referenceBatch, referenceWeights } from "./reference.ts"

const Numbers = Schema.Array(Schema.Finite)

const Figures = Schema.Struct({
  salt: Schema.String,
  networks: Schema.Struct({ columns: Network }),
  cases: Schema.Array(
    Schema.Struct({
      ...caseFields,
      network: Schema.Literal("columns"),
      /** The class of each image in the first column; -1 where it is not known. */
      known: Numbers,
      /** Whether each class of the second column applies; null where that is not known. */
      tags: Schema.Array(Schema.NullOr(Numbers)),
      lossWeights: Schema.optionalKey(Numbers),
      focal: Schema.optionalKey(Schema.Finite),
      adjustment: Schema.optionalKey(Numbers)
    })
  )
})

const { cases, networks, salt } = Schema.decodeSync(Schema.fromJsonString(Figures))(
  readFileSync(new URL("columns.json", import.meta.url), "utf8")
)
const network = networks.columns
const names = (classes: number) => Array.from({ length: classes }, (_, i) => `class ${i}`)

/** The images of the formula, with labels of both columns. */
export const kindAndTags = (
  known: ReadonlyArray<number>,
  tags: ReadonlyArray<ReadonlyArray<number> | null>
): Batch => ({
  ...referenceBatch(network, salt, known.length),
  labels: Int32Array.from(known),
  columns: [
    columnLabels(
      { classes: names(4), values: "one" },
      known.map((label): KnownClasses => (label < 0 ? undefined : [label]))
    ),
    columnLabels(
      { classes: names(3), values: "several" },
      tags.map((row) => row?.flatMap((applies, c) => (applies === 1 ? [c] : [])))
    )
  ]
})

/** Images of one pixel and two columns, each from a linear layer: the logits are products that the test can choose. */
const linear: Network = {
  name: "linear",
  height: 1,
  width: 1,
  classes: 4,
  heads: [
    { name: "kind", classes: 2, kind: "softmax" },
    { name: "tags", classes: 2, kind: "sigmoid" }
  ],
  blocks: [
    { _tag: "Flatten" },
    {
      _tag: "Heads",
      heads: ["kind", "tags"].map((name) => ({
        blocks: [{ _tag: "Dense", name, units: 2, bias: false, init: "torch" }]
      }))
    }
  ]
}

/** A batch of images of one pixel. */
const pixels = (
  images: ReadonlyArray<number>,
  kinds: ReadonlyArray<KnownClasses>,
  tags: ReadonlyArray<KnownClasses>
) => ({
  index: 0,
  images: Float32Array.from(images),
  labels: new Int32Array(kinds.length),
  columns: [
    columnLabels({ classes: names(2), values: "one" }, kinds),
    columnLabels({ classes: names(2), values: "several" }, tags)
  ],
  ids: kinds.map((_, i) => `sample ${i}`),
  size: kinds.length,
  height: 1,
  width: 1
})

/** Weights (2, 3) of the two linear layers. */
const weightsOf = (kind: ReadonlyArray<number>, tags: ReadonlyArray<number>) =>
  new Map([
    ["kind.weight", { shape: [2, 3], data: Float32Array.from(kind) }],
    ["tags.weight", { shape: [2, 3], data: Float32Array.from(tags) }]
  ])

/** Declares that an engine trains networks with a head for each of several label columns. */
export const trainsSeveralColumns = (it: Vitest.MethodsNonLive<Engine>) => {
  it.effect.each(cases)("trains two label columns as PyTorch does: $name", ({ figures, known, tags, ...options }) =>
    Effect.gen(function* () {
      const batch = kindAndTags(known, tags)
      const partners = Int32Array.from(known, (_, i) => (i + known.length - 1) % known.length)
      yield* trainsAs(
        options,
        figures,
        network,
        { ...batch, ...(options.mix && { mix: { partners, shares: Float32Array.from(options.mix) } }) },
        {
          lossWeights: options.lossWeights,
          focal: options.focal,
          adjustment: options.adjustment && Float32Array.from(options.adjustment)
        }
      )
    })
  )

  it.effect("has no gradient from a row that is not known in a column, though its logits there are infinite", () =>
    Effect.gen(function* () {
      for (const focal of [0, 2]) {
        // The second row's logits are infinite in either column, but for the other one.
        const kind = [1, -1, 0.5, 2, 0, 1]
        const weights = weightsOf([...kind.slice(0, 5), 3e38], [1, 0.5, 0, -1, 1, 0])
        const batch = pixels([0.5, -1, 0.25, 1, 0.5, 3e38], [[1], undefined], [[0], [0, 1]])
        const session = yield* openSession(linear, { weights, focal })
        const { loss } = yield* session.train(batch, { step: 0, learningRate: 0.1 })
        assert.isTrue(Number.isFinite(loss), `the loss is ${loss}`)
        const alone = yield* openSession(linear, { weights, focal })
        yield* alone.train(pixels([0.5, -1, 0.25], [[1]], [[0]]), { step: 0, learningRate: 0.1 })
        const [after, expected] = [yield* session.snapshot, yield* alone.snapshot]
        assertNear(
          after.weights.get("kind.weight")!.data,
          expected.weights.get("kind.weight")!.data,
          "kind.weight",
          1e-6
        )
      }
    })
  )

  it.effect("has a loss that is no number where a logit of a known row is none", () =>
    Effect.gen(function* () {
      const batch = (known: KnownClasses) => pixels([0.5, Number.NaN, 0.25, 1, 1, 1], [known, [0]], [known, [1]])
      const weights = weightsOf([1, 1, 1, 1, 1, -1], [1, -1, 1, 1, 1, 1])
      const session = yield* openSession(linear, { weights, focal: 2 })
      assert.isNaN((yield* session.train(batch([1]), { step: 0, learningRate: 0.1 })).loss)
      const unknown = yield* openSession(linear, { weights, focal: 2 })
      assert.isTrue(Number.isFinite((yield* unknown.train(batch(undefined), { step: 0, learningRate: 0.1 })).loss))
    })
  )

  it.effect("keeps a finite gradient where a class is certain, and where it is impossible", () =>
    Effect.gen(function* () {
      for (const focal of [0, 0.5, 1, 2]) {
        const weights = weightsOf([200, 0, 0, -200, 0, 0], [200, 0, 0, -200, 0, 0])
        const session = yield* openSession(linear, { weights, focal })
        const batch = pixels([1, 0, 0, 1, 0, 0], [[0], [1]], [[0], [1]])
        const { loss } = yield* session.train(batch, { step: 0, learningRate: 0.1 })
        // Of two rows one is right, and one is wrong by 400; of four tags two are wrong by 200 each.
        assert.approximately(loss, 200 + 100, 1e-3)
        const { weights: after } = yield* session.snapshot
        assertNear(after.get("kind.weight")!.data, [199.95, 0, 0, -199.95, 0, 0], "kind.weight", 1e-6)
        assertNear(after.get("tags.weight")!.data, [199.975, 0, 0, -199.975, 0, 0], "tags.weight", 1e-6)
        // The logits of classes that are rightly left out are -Infinity.
        const far = weightsOf([1, 0, -3e38, -1, 0, 0], [1, 0, -3e38, 1, 0, 0])
        const other = yield* openSession(linear, { weights: far, focal })
        const result = yield* other.train(pixels([1, 0, 10], [[1]], [[1]]), { step: 0, learningRate: 0.1 })
        assert.isTrue(Number.isFinite(result.loss), `the loss is ${result.loss}`)
        for (const [name, { data }] of (yield* other.snapshot).weights) assert.isTrue(data.every(Number.isFinite), name)
      }
    })
  )

  it.effect("trains the heads alone on what a frozen part gives, and leaves that part as it is", () =>
    Effect.gen(function* () {
      const [{ known, tags }] = cases as readonly [(typeof cases)[number]]
      const batch = kindAndTags(known, tags)
      const at = network.blocks.length - 1
      const weights = referenceWeights(network, salt)
      const whole = yield* openSession(network, {
        weights,
        freezing: { ...allTrained, stages: [{ step: 0, from: at }] }
      })
      const { front, tail } = splitAt(network, at)
      assert.deepStrictEqual(tail.heads, network.heads)
      const shape = outputOf(front, inputShape(network))
      const frozen = { name: "front", height: network.height, width: network.width, classes: shape[0], blocks: front }
      const features = yield* openSession(frozen, { weights })
      const run = (images: Float32Array, size: number) =>
        Effect.orDie(features.predict({ ...batch, images, labels: new Int32Array(size) }))
      const opened = { engine: "test", key: "test", shape, run }
      const session = featureSession(yield* openSession(tail, { weights }), opened)
      for (const step of [0, 1, 2]) {
        const own = yield* whole.train(batch, { step, learningRate: 0.05 })
        const inside = yield* Effect.orDie(withFeatures(opened, batch))
        const split = yield* session.train(inside, { step, learningRate: 0.05 })
        assertNear([split.loss], [own.loss], `loss of step ${step}`, 1e-6)
      }
      const [after, split] = [yield* whole.snapshot, yield* session.snapshot]
      for (const [name, { data }] of after.weights) {
        const start = weights.get(name)!.data
        if (name.startsWith("top.")) {
          assert.notDeepEqual(data, start, `${name} is trained`)
          assertNear(split.weights.get(name)!.data, data, name, 1e-5)
        } else assert.deepStrictEqual(data, start, `${name} is as it was`)
      }
    })
  )

  it.effect("goes on from a snapshot with the same bits, with several columns", () =>
    Effect.gen(function* () {
      const [{ known, tags }] = cases as readonly [(typeof cases)[number]]
      const batch = kindAndTags(known, tags)
      const options = { weights: referenceWeights(network, salt), focal: 2, lossWeights: [1, 0.5] }
      const session = yield* openSession(network, options)
      yield* session.train(batch, { step: 0, learningRate: 0.05 })
      const between = yield* session.snapshot
      yield* session.train(batch, { step: 1, learningRate: 0.05 })
      const other = yield* openSession(network, options)
      yield* other.restore(between)
      yield* other.train(batch, { step: 1, learningRate: 0.05 })
      assertSameBits(yield* other.snapshot, yield* session.snapshot)
    })
  )

  it.effect("passes the preflight with several columns, and refuses labels that are not its heads'", () =>
    Effect.gen(function* () {
      yield* (yield* Engine).preflight(network)
      const session = yield* openSession(network)
      const refused = (batch: Batch) =>
        Effect.map(Effect.flip(session.train(batch, { step: 0, learningRate: 0.1 })), ({ message }) => message)
      const batch = kindAndTags([0, 1], [[1, 0, 0], null])
      const [first, second] = batch.columns ?? []
      assert.match(
        yield* refused({ ...batch, columns: [first!] }),
        /the network has 2 heads, and the batch has 1 label columns/
      )
      assert.match(yield* refused({ ...batch, columns: [second!, first!] }), /kind: .*several labels/)
      const wrong = { values: "one", labels: Int32Array.of(0, 4) } as const
      assert.match(
        yield* refused({ ...batch, columns: [wrong, second!] }),
        /kind: the label 4 of sample sample 1 is no class/
      )
      const short = { values: "several", labels: new Uint8Array(3), known: Uint8Array.of(1, 1) } as const
      assert.match(
        yield* refused({ ...batch, columns: [first!, short] }),
        /tags: a batch of 2 images has 3 labels of 3 classes/
      )
    })
  )
}
