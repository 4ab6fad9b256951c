import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import type { Engine, Session } from "../../../src/model/Engine.ts"
import type { Network } from "../../../src/model/Network.ts"
import type { OptimizerConfig } from "../../../src/model/TrainConfig.ts"
import { mobile, plain } from "./figures.ts"
import {
  assertNear,
  assertSameBits,
  openSession,
  referenceBatch,
  referenceWeights,
  rows,
  sgd,
  tensors
} from "./reference.ts"

const optimizers: ReadonlyArray<OptimizerConfig> = [
  sgd,
  { ...sgd, momentum: 0.9, dampening: 0.2, weightDecay: 0.01 },
  { ...sgd, momentum: 0.9, nesterov: true },
  { ...sgd, kind: "adam" },
  { ...sgd, kind: "adamw", weightDecay: 0.1 }
]

const trainSteps = Effect.fnUntraced(function* (session: Session, network: Network, from: number, to: number) {
  for (let step = from; step < to; step++)
    yield* session.train(referenceBatch(network, `batch ${step} `, 4), { step, learningRate: 0.01 })
})

/** Declares how a session keeps and gives back its state. */
export const sessionsKeepTheirState = (it: Vitest.MethodsNonLive<Engine>, brief: boolean) => {
  it.effect.each(optimizers)("goes on with the same bits from a snapshot: $kind, momentum $momentum", (optimizer) =>
    Effect.gen(function* () {
      const whole = yield* openSession(mobile, { optimizer })
      yield* trainSteps(whole, mobile, 0, 2)
      const middle = yield* whole.snapshot
      yield* trainSteps(whole, mobile, 2, 4)
      const expected = yield* whole.snapshot

      const resumed = yield* openSession(mobile, { optimizer, weights: referenceWeights(mobile, "other-") })
      yield* resumed.restore(middle)
      assertSameBits(yield* resumed.snapshot, middle)
      yield* trainSteps(resumed, mobile, 2, 4)
      assertSameBits(yield* resumed.snapshot, expected)

      // Back in the same session: what was restored and what was snapped are not what was trained on.
      yield* whole.restore(middle)
      yield* trainSteps(whole, mobile, 2, 4)
      assertSameBits(yield* whole.snapshot, expected)
    })
  )

  it.effect("goes on with the same bits of its average from a snapshot, also between two of its moves", () =>
    Effect.gen(function* () {
      const options = {
        optimizer: { ...sgd, kind: "adam" },
        average: { kind: "ema", decay: 0.15, everySteps: 2 }
      } as const
      const whole = yield* openSession(mobile, options)
      yield* trainSteps(whole, mobile, 0, 3)
      const middle = yield* whole.snapshot
      yield* trainSteps(whole, mobile, 3, 6)
      const expected = yield* whole.snapshot
      assert.notDeepEqual(expected.average, middle.average)
      assert.notDeepEqual(expected.average, expected.weights)

      const resumed = yield* openSession(mobile, { ...options, weights: referenceWeights(mobile, "other-") })
      yield* resumed.restore(middle)
      assertSameBits(yield* resumed.snapshot, middle)
      yield* trainSteps(resumed, mobile, 3, 6)
      assertSameBits(yield* resumed.snapshot, expected)
      const batch = referenceBatch(mobile, "contract-", 3)
      assert.deepStrictEqual(yield* resumed.predict(batch), yield* whole.predict(batch))
    })
  )

  it.effect("trains the same bits with an average as without, and keeps an average of what stays as it is", () =>
    Effect.gen(function* () {
      const plain = yield* openSession(mobile)
      const averaged = yield* openSession(mobile, { average: { kind: "ema", decay: 0.99, everySteps: 1 } })
      yield* trainSteps(plain, mobile, 0, 2)
      yield* trainSteps(averaged, mobile, 0, 2)
      const { average: _, ...rest } = yield* averaged.snapshot
      assertSameBits(rest, yield* plain.snapshot)
      // Weights alone are taken for their own average, which a rate of 0 does not move by a bit.
      yield* averaged.restore(rest)
      const batch = referenceBatch(mobile, "contract-", 4)
      for (const step of [2, 3]) yield* averaged.train(batch, { step, learningRate: 0 })
      const { average, weights } = yield* averaged.snapshot
      for (const [name, tensor] of weights)
        if (!name.includes("running_")) assert.deepStrictEqual(average?.get(name), tensor, name)
    })
  )

  it.effect("changes no tensor that it was given or that it gave", () =>
    Effect.gen(function* () {
      const weights = referenceWeights(mobile, "contract-")
      const session = yield* openSession(mobile, { weights, optimizer: { ...sgd, kind: "adam" } })
      const before = yield* session.snapshot
      yield* trainSteps(session, mobile, 0, 2)
      const slots = before.optimizer.slots
      assertSameBits(
        { weights, optimizer: { step: 0, slots: new Map() } },
        { weights: before.weights, optimizer: { step: 0, slots: new Map() } }
      )
      assert.isTrue([...slots.values()].every(({ data }) => data.every((x) => x === 0)))
      assert.notDeepEqual([...(yield* session.snapshot).weights.values()], [...weights.values()])
    })
  )

  it.effect("predicts without changing anything", () =>
    Effect.gen(function* () {
      const batch = referenceBatch(mobile, "contract-", 5)
      const session = yield* openSession(mobile, { optimizer: { ...sgd, kind: "adam" } })
      yield* trainSteps(session, mobile, 0, 2)
      const before = yield* session.snapshot
      const first = yield* session.predict(batch)
      const second = yield* session.predict(batch)
      assert.deepStrictEqual(second, first)
      assertSameBits(yield* session.snapshot, before)
    })
  )

  it.effect("keeps two sessions apart", () =>
    Effect.gen(function* () {
      const alone = yield* openSession(mobile)
      yield* trainSteps(alone, mobile, 0, 2)
      const expected = yield* alone.snapshot

      const one = yield* openSession(mobile)
      const other = yield* openSession(mobile, { weights: referenceWeights(mobile, "other-") })
      yield* trainSteps(one, mobile, 0, 1)
      yield* trainSteps(other, mobile, 0, 2)
      yield* trainSteps(one, mobile, 1, 2)
      assertSameBits(yield* one.snapshot, expected)
    })
  )

  it.effect(
    "holds no tensor more after steps, predictions, snapshots and restored states, and none after its end",
    () =>
      Effect.gen(function* () {
        const before = tensors()
        yield* Effect.gen(function* () {
          const batch = referenceBatch(mobile, "contract-", 3)
          const session = yield* openSession(mobile, { optimizer: { ...sgd, kind: "adam" } })
          const held = tensors()
          for (let step = 0; step < 2; step++) {
            yield* session.train(batch, { step, learningRate: 0.01 })
            yield* session.predict(batch)
            yield* session.restore(yield* session.snapshot)
            assert.strictEqual(tensors(), held, `after step ${step}`)
          }
        }).pipe(Effect.scoped)
        assert.strictEqual(tensors(), before)
      })
  )

  it.effect("draws its dropout from the seed and the step alone", () =>
    Effect.gen(function* () {
      const batch = referenceBatch(plain, "contract-", 5)
      const logits = Effect.fnUntraced(function* (seed: number, step: number, before: number) {
        const session = yield* openSession(plain, { seed })
        // Steps with a rate of 0 change no weight, and must not change what is drawn later.
        for (let i = 0; i < before; i++) yield* session.train(batch, { step: i, learningRate: 0 })
        return [...(yield* session.train(batch, { step, learningRate: 0 })).logits]
      }, Effect.scoped)
      const expected = yield* logits(7, 3, 0)
      assert.deepStrictEqual(yield* logits(7, 3, 2), expected)
      assert.notDeepEqual(yield* logits(7, 4, 0), expected)
      assert.notDeepEqual(yield* logits(8, 3, 0), expected)
    })
  )

  it.effect("takes batches of any size, one image too", () =>
    Effect.gen(function* () {
      for (const network of [mobile, plain]) {
        const batch = referenceBatch(network, "contract-", 7)
        const session = yield* openSession(network)
        for (const [step, size] of [7, 1, 3, 1].entries()) {
          const { loss, logits } = yield* session.train(rows(batch, 0, size), { step, learningRate: 0.01 })
          assert.isTrue(Number.isFinite(loss), `${network.name}: the loss of ${size} images is ${loss}`)
          assert.strictEqual(logits.length, size * network.classes)
        }
        const together = yield* session.predict(batch)
        for (let i = 0; i < batch.size; i++)
          assertNear(
            yield* session.predict(rows(batch, i, i + 1)),
            together.subarray(i * network.classes, (i + 1) * network.classes),
            `${network.name}: image ${i} alone`,
            1e-4
          )
      }
    })
  )

  it.effect("can be interrupted between any two steps", () =>
    Effect.gen(function* () {
      const session = yield* openSession(plain)
      const batch = referenceBatch(plain, "contract-", 2)
      const begun = yield* Deferred.make<void>()
      let steps = 0
      const training = yield* Effect.forkChild(
        Effect.whileLoop({
          while: () => steps < 500,
          body: () =>
            Effect.andThen(
              session.train(batch, { step: steps, learningRate: 0.01 }),
              Deferred.succeed(begun, undefined)
            ),
          step: () => steps++
        })
      )
      yield* Deferred.await(begun)
      yield* Effect.yieldNow // as a signal would be: behind what already runs
      yield* Fiber.interrupt(training)
      assert.isBelow(steps, 10)
    })
  )

  it.effect.skipIf(brief)("learns a tiny set by heart", () =>
    Effect.gen(function* () {
      const blocks = mobile.blocks.filter(({ _tag }) => _tag !== "Dropout")
      const batch = referenceBatch(mobile, "heart-", 8)
      const session = yield* openSession({ ...mobile, blocks }, { optimizer: { ...sgd, kind: "adam" } })
      let last = Infinity
      for (let step = 0; step < 60; step++) last = (yield* session.train(batch, { step, learningRate: 0.02 })).loss
      assert.isBelow(last, 0.02)
    })
  )
}
