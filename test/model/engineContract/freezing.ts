import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Engine, Freezing, Session } from "../../../src/model/Engine.ts"
import type { Network } from "../../../src/model/Network.ts"
import { inputShape, outputOf } from "../../../src/model/shapes.ts"
import type { Batch } from "../../../src/pipeline/Batch.ts"
import { mobile } from "./figures.ts"
import { layerDecayed } from "./pyTorch.ts"
import { assertNear, assertSameBits, openSession, referenceBatch, referenceWeights, sgd, tensors } from "./reference.ts"

/** Every block from the first step on, at one rate. */
export const allTrained: Freezing = { stages: [{ step: 0, from: 0 }], keepStatistics: false, rates: new Map() }

/** The first block of `mobile` behind its residual: what is before has every kind of block that keeps figures. */
const middle = mobile.blocks.findIndex(({ _tag }) => _tag === "Residual") + 1

/** The blocks behind the middle, as a network that takes what comes out of those before. */
const tail = (): Network => {
  const [height, width, channels] = outputOf(mobile.blocks.slice(0, middle), inputShape(mobile)) as readonly [
    number,
    number,
    number
  ] // an image: the residual gives one
  return { ...mobile, height, width, channels, blocks: mobile.blocks.slice(middle) }
}

const weightsOf = (session: Session) => Effect.map(session.snapshot, ({ weights }) => weights)

/** The names of `mobile`'s tensors that belong to blocks before the middle. */
const frontNames = (all: Iterable<string>) => {
  const behind = new Set(referenceWeights(tail(), "").keys())
  return [...all].filter((name) => !behind.has(name))
}

const trainTo = Effect.fnUntraced(function* (session: Session, batch: Batch, from: number, to: number) {
  for (let step = from; step < to; step++) yield* session.train(batch, { step, learningRate: 0.05 })
})

/** Declares that what is frozen does not change by one bit, and that the rest is trained as if it were alone. */
export const freezesWhatIsFrozen = (it: Vitest.MethodsNonLive<Engine>) => {
  const weights = referenceWeights(mobile, "contract-")
  const batch = referenceBatch(mobile, "contract-", 5)
  const frozen: Freezing = { ...allTrained, stages: [{ step: 0, from: middle }] }
  const adam = { ...sgd, kind: "adam" } as const

  it.effect("trains the part behind the frozen one as a network of its own on the frozen one's output", () =>
    Effect.gen(function* () {
      const session = yield* openSession(mobile, { weights, optimizer: adam, freezing: frozen })
      yield* trainTo(session, batch, 0, 3)
      const after = yield* session.snapshot
      const front = frontNames(weights.keys())
      assert.isAbove(front.length, 10)
      for (const name of front) assert.deepStrictEqual(after.weights.get(name)!.data, weights.get(name)!.data, name)
      assert.isFalse([...after.optimizer.slots.keys()].some((slot) => front.some((name) => slot.endsWith(`.${name}`))))

      const features = yield* openSession({ ...mobile, blocks: mobile.blocks.slice(0, middle) })
      const { height, width } = tail()
      const inputs = { ...batch, height, width, images: yield* features.predict(batch) }
      const alone = yield* openSession(tail(), { weights, optimizer: adam })
      yield* trainTo(alone, inputs, 0, 3)
      const expected = yield* weightsOf(alone)
      for (const [name, { data }] of expected) assertNear(after.weights.get(name)!.data, data, name, 1e-4)
      assertNear(yield* session.predict(batch), yield* alone.predict(inputs), "logits", 1e-4)
    })
  )

  it.effect("trains a part that thaws as an optimiser does that meets it for the first time", () =>
    Effect.gen(function* () {
      const stages = [...frozen.stages, { step: 2, from: 0 }]
      const session = yield* openSession(mobile, { weights, optimizer: adam, freezing: { ...frozen, stages } })
      yield* trainTo(session, batch, 0, 2)
      const before = yield* weightsOf(session)
      const front = frontNames(weights.keys())
      for (const name of front) assert.deepStrictEqual(before.get(name)!.data, weights.get(name)!.data, name)
      yield* trainTo(session, batch, 2, 3)
      const fresh = yield* openSession(mobile, { weights: before, optimizer: adam })
      yield* trainTo(fresh, batch, 2, 3)
      const [after, expected] = [yield* weightsOf(session), yield* weightsOf(fresh)]
      for (const name of front) {
        assert.notDeepEqual(after.get(name)!.data, weights.get(name)!.data, name)
        assert.deepStrictEqual(after.get(name)!.data, expected.get(name)!.data, name)
      }
    })
  )

  const ema = { kind: "ema", decay: 0.2, everySteps: 1 } as const

  it.effect("averages what is trained and what moves, and goes on with the same bits from a snapshot", () =>
    Effect.gen(function* () {
      const stages = [
        { step: 0, from: middle + 1 },
        { step: 2, from: middle }
      ]
      const front = frontNames(weights.keys())
      for (const keepStatistics of [false, true]) {
        const options = { weights, optimizer: adam, freezing: { ...frozen, stages, keepStatistics }, average: ema }
        const session = yield* openSession(mobile, options)
        yield* trainTo(session, batch, 0, 1)
        const early = yield* session.snapshot
        yield* trainTo(session, batch, 1, 4)
        const expected = yield* session.snapshot
        const average = expected.average ?? new Map<string, never>()
        assert.deepStrictEqual([...average.keys()].sort(), [...weights.keys()].sort())
        for (const [name, { data }] of average)
          if (front.includes(name) || (keepStatistics && name.includes("running_")))
            assert.deepStrictEqual(data, weights.get(name)!.data, name)
          else {
            assert.notDeepEqual(data, weights.get(name)!.data, name)
            assert.notDeepEqual(data, expected.weights.get(name)!.data, name)
          }

        const resumed = yield* openSession(mobile, { ...options, weights: referenceWeights(mobile, "other-") })
        yield* resumed.restore(early)
        assertSameBits(yield* resumed.snapshot, early)
        yield* trainTo(resumed, batch, 1, 4)
        assertSameBits(yield* resumed.snapshot, expected)
        const model = yield* openSession(mobile, { weights: average })
        for (const one of [session, resumed])
          assertNear(yield* one.predict(batch), yield* model.predict(batch), "logits", 1e-5)
      }
    })
  )

  it.effect("holds no average of what never changes", () =>
    Effect.gen(function* () {
      const held = Effect.fnUntraced(function* (freezing: Freezing, averaged: boolean) {
        const before = tensors()
        yield* openSession(mobile, { weights, freezing, ...(averaged && { average: ema }) })
        return tensors() - before
      }, Effect.scoped)
      const more = Effect.fnUntraced(function* (freezing: Freezing) {
        return (yield* held(freezing, true)) - (yield* held(freezing, false))
      })
      // An engine without TensorFlow.js holds none of its tensors.
      if ((yield* held(allTrained, false)) === 0) return
      const front = frontNames(weights.keys()).length
      const figures = [...weights.keys()].filter((name) => name.includes("running_")).length
      assert.strictEqual(yield* more(allTrained), weights.size)
      assert.strictEqual(yield* more(frozen), weights.size - front)
      assert.strictEqual(yield* more({ ...frozen, stages: [...frozen.stages, { step: 9, from: 0 }] }), weights.size)
      assert.strictEqual(yield* more({ ...allTrained, keepStatistics: true }), weights.size - figures)
    })
  )

  it.effect("multiplies the learning rate of each weight by its own factor", () =>
    Effect.gen(function* () {
      const change = Effect.fnUntraced(function* (rates: Freezing["rates"]) {
        const session = yield* openSession(mobile, { weights, freezing: { ...allTrained, rates } })
        yield* trainTo(session, batch, 0, 1)
        const after = yield* weightsOf(session)
        return (name: string) => after.get(name)!.data.map((x, i) => x - weights.get(name)!.data[i]!)
      }, Effect.scoped)
      const [slow, plain] = [yield* change(new Map([["stem.weight", 0.25]])), yield* change(new Map())]
      assertNear(
        slow("stem.weight"),
        plain("stem.weight").map((x) => x / 4),
        "stem.weight"
      )
      assert.deepStrictEqual(slow("stemNorm.weight"), plain("stemNorm.weight"))
    })
  )

  it.effect("goes on with the same bits from a snapshot under layer-wise decay, and is not what it is without", () =>
    Effect.gen(function* () {
      const optimizer = { ...adam, kind: "adamw", weightDecay: 0.1 } as const
      const of = Effect.fnUntraced(function* (layerDecay: number | undefined) {
        return { weights, optimizer, freezing: yield* layerDecayed(mobile, layerDecay) }
      })
      const options = yield* of(0.5)
      const session = yield* openSession(mobile, options)
      yield* trainTo(session, batch, 0, 2)
      const early = yield* session.snapshot
      yield* trainTo(session, batch, 2, 4)
      const expected = yield* session.snapshot
      const resumed = yield* openSession(mobile, { ...options, weights: referenceWeights(mobile, "other-") })
      yield* resumed.restore(early)
      yield* trainTo(resumed, batch, 2, 4)
      assertSameBits(yield* resumed.snapshot, expected)

      const [none, one] = [yield* openSession(mobile, yield* of(undefined)), yield* openSession(mobile, yield* of(1))]
      for (const session of [none, one]) yield* trainTo(session, batch, 0, 4)
      assertSameBits(yield* one.snapshot, yield* none.snapshot)
      const [decayed, plain] = [expected.weights, yield* weightsOf(none)]
      assert.notDeepEqual(decayed.get("stem.weight")!.data, plain.get("stem.weight")!.data)
    })
  )

  it.effect("keeps the running figures of the trained part where they are to stay", () =>
    Effect.gen(function* () {
      const session = yield* openSession(mobile, { weights, freezing: { ...allTrained, keepStatistics: true } })
      yield* trainTo(session, batch, 0, 2)
      const after = yield* weightsOf(session)
      for (const [name, { data }] of weights)
        if (/running_/.test(name)) assert.deepStrictEqual(after.get(name)!.data, data, name)
        else assert.notDeepEqual(after.get(name)!.data, data, name)
    })
  )
}
