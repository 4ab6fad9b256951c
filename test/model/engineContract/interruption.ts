import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Schema, Stream } from "effect"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import type { Engine } from "../../../src/model/Engine.ts"
import { TrainConfig } from "../../../src/model/TrainConfig.ts"
import { train } from "../../../src/model/Training.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { lossesOf } from "../../losses.ts"
import { plain } from "./figures.ts"
import { assertSameBits, openSession, referenceBatch } from "./reference.ts"
import { columnNamed } from "../../columnNamed.ts"

const config = Schema.decodeSync(TrainConfig)({
  epochs: 2,
  batchSize: 3,
  learningRate: 0.01,
  select: "last",
  optimizer: { kind: "adam" },
  schedule: { kind: "one-cycle" }
})

const batchesPerEpoch = 4

/** A training of two epochs of four steps, with dropout; the state that it leaves. */
const training = Effect.gen(function* () {
  const session = yield* openSession(plain, { optimizer: config.optimizer })
  yield* train({
    session,
    config,
    columns: [columnNamed("label", plain.classes)],
    samples: { train: batchesPerEpoch * config.batchSize, validation: 0 },
    trainingBatches: (epoch, from) =>
      Stream.range(from, batchesPerEpoch - 1).pipe(
        Stream.map((index) => ({ ...referenceBatch(plain, `epoch ${epoch} batch ${index} `, 3), index }))
      ),
    validationBatches: Stream.empty,
    digest: "this run",
    ledger: { listed: 12, kept: 12, refused: {} },
    losses: lossesOf({})
  })
  return yield* session.snapshot
}).pipe(Effect.scoped)

/** Interrupts a fiber, once, when it reports the nth step of the run. */
const interruptAt = (n: number, fiber: () => Fiber.Fiber<unknown, unknown>) => {
  let steps = 0
  return Effect.provideService(Progress, ({ _tag }) =>
    _tag === "Step" && ++steps === n ? Effect.asVoid(Effect.forkDetach(Fiber.interrupt(fiber()))) : Effect.void
  )
}

/** Declares that a training goes on where it was interrupted. */
export const trainingsGoOn = (it: Vitest.MethodsNonLive<Engine>) => {
  it.effect("interrupted in the middle of an epoch and resumed, a training ends with the same bits", () =>
    Effect.gen(function* () {
      const whole = yield* training.pipe(Effect.provide(Checkpoints.layerMemory(2)))
      const checkpoints = Checkpoints.layerMemory(2, new Map())
      yield* Effect.gen(function* () {
        const stopped: Fiber.Fiber<unknown, unknown> = yield* Effect.forkChild(
          training.pipe(interruptAt(batchesPerEpoch + 2, () => stopped))
        )
        const exit = yield* Fiber.await(stopped)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
        const { checkpoint } = yield* Checkpoints.use((all) => all.latest("this run"))
        assert.strictEqual(checkpoint?.training.epoch, 1)
        assert.include([2, 3], checkpoint?.training.position)
        assertSameBits(yield* training, whole)
      }).pipe(Effect.provide(checkpoints))
    })
  )
}
