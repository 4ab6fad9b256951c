import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Runtime } from "effect"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { configDigest } from "../../../src/run/configDigest.ts"
import { finishedReport } from "../../../src/run/finishedReport.ts"
import { readFormer } from "../../../src/run/former.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { scheduleNote } from "../../../src/run/train/trainLonger.ts"
import { tinyConfig, tinyLayers } from "./tinyRun.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"

/** Everything in memory, a folder of its own for each test. */
const layers = () => Layer.fresh(tinyLayers())

const configOf = (epochs: number, train: object = {}) =>
  tinyConfig({ augment: { flip: 0.5 }, train: { epochs, batchSize: 4, learningRate: 0.0005, ...train } })

/** What a run leaves that depends on its weights. */
const left = Effect.gen(function* () {
  const folder = yield* RunFolder
  const history = new TextDecoder().decode(yield* folder.read("history.jsonl"))
  return {
    model: yield* folder.read("model/model.safetensors"),
    test: yield* folder.read("predictions/test.safetensors"),
    ledger: yield* folder.read("ledger.jsonl"),
    losses: history
      .trimEnd()
      .split("\n")
      .map((line) => {
        const { epoch, trainLoss, validationLoss } = JSON.parse(line)
        return [epoch, trainLoss, validationLoss]
      })
  }
})

const wholeRun = Effect.fnUntraced(function* (epochs: number, train?: object) {
  const report = yield* trainRun(yield* configOf(epochs, train))
  return { ...(yield* left), chosenEpoch: report.chosenEpoch, digest: report.receipt.configDigest }
})

const longer = Effect.fnUntraced(function* (from: number, to: number, train?: object) {
  return yield* trainRun(yield* configOf(to, train), undefined, yield* configDigest(yield* configOf(from, train)))
})

describe("a finished run that is trained longer", () => {
  for (const train of [{ select: "last" }, { select: "best" }, { schedule: { kind: "step", everyEpochs: 3 } }])
    it.effect(`has the weights of one that was as long from its beginning: ${JSON.stringify(train)}`, () =>
      Effect.gen(function* () {
        const whole = yield* Effect.provide(wholeRun(4, train), layers())
        yield* Effect.gen(function* () {
          const first = yield* wholeRun(2, train)
          assert.lengthOf(first.losses, 2)
          const report = yield* longer(2, 4, train)
          assert.strictEqual(report.chosenEpoch, whole.chosenEpoch)
          assert.strictEqual(report.receipt.configDigest, whole.digest)
          const { losses, ...files } = yield* left
          assert.deepStrictEqual(losses, whole.losses)
          assert.deepStrictEqual(files.model, whole.model)
          assert.deepStrictEqual(files.test, whole.test)
          assert.notDeepEqual(files.model, first.model)
          // Both parts' steps are there.
          const steps = new TextDecoder().decode(yield* RunFolder.use((folder) => folder.read("steps.jsonl")))
          assert.strictEqual(steps.trimEnd().split("\n").length, 4 * Math.ceil(report.data.train / 4))
        }).pipe(Effect.provide(layers()))
      })
    )

  it.effect("is an unfinished run until its new end, and goes on as any other when it is interrupted", () =>
    Effect.gen(function* () {
      const whole = yield* Effect.provide(wholeRun(4), layers())
      yield* Effect.gen(function* () {
        yield* wholeRun(2)
        const fiber: Fiber.Fiber<unknown, unknown> = yield* Effect.forkChild(
          longer(2, 4).pipe(
            Effect.provideService(Progress, (event: ProgressEvent) =>
              event._tag === "Step" && event.epoch === 2
                ? Effect.suspend(() => Effect.asVoid(Effect.forkDetach(Fiber.interrupt(fiber))))
                : Effect.void
            )
          )
        )
        const exit = yield* Fiber.await(fiber)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
        const folder = yield* RunFolder
        assert.isFalse(yield* folder.has("report.json"))
        assert.deepStrictEqual(yield* readFormer(folder), [yield* configDigest(yield* configOf(2))])
        yield* trainRun(yield* configOf(4))
        assert.deepStrictEqual((yield* left).model, whole.model)
        assert.deepStrictEqual((yield* left).losses, whole.losses)
        // And once more, from a run that has been trained longer before.
        const report = yield* longer(4, 5)
        assert.lengthOf(report.history, 5)
        assert.lengthOf(yield* readFormer(folder), 2)
      }).pipe(Effect.provide(layers()))
    })
  )

  it.effect("does not take the report of its former end for the new one", () =>
    Effect.gen(function* () {
      yield* wholeRun(2)
      const folder = yield* RunFolder
      const report = yield* folder.read("report.json")
      yield* longer(2, 3)
      assert.isDefined(yield* finishedReport(folder, yield* configOf(3)))
      // As if the process had been killed before the report was removed.
      yield* folder.write("report.json", report)
      assert.isUndefined(yield* finishedReport(folder, yield* configOf(3)))
    }).pipe(Effect.provide(layers()))
  )

  it.effect("is refused fewer epochs than it has, and keeps what it has", () =>
    Effect.gen(function* () {
      const { model } = yield* wholeRun(3)
      const error = yield* Effect.flip(longer(3, 2))
      assert.strictEqual(Runtime.getErrorExitCode(error), 2)
      assert.match(error.message, /in epoch 3 already: set train\.epochs to 3 or more/)
      assert.isDefined(yield* finishedReport(yield* RunFolder, yield* configOf(3)))
      assert.deepStrictEqual((yield* left).model, model)
    }).pipe(Effect.provide(layers()))
  )

  it.effect("without a word of its former configuration, its checkpoints are another run's", () =>
    Effect.gen(function* () {
      yield* wholeRun(2)
      const error = yield* Effect.flip(trainRun(yield* configOf(4)))
      assert.strictEqual(error._tag, "ForeignCheckpoints")
    }).pipe(Effect.provide(layers()))
  )

  it.effect("says what becomes of the learning rate", () =>
    Effect.gen(function* () {
      const [two, four] = [yield* configOf(2), yield* configOf(4)]
      assert.isUndefined(scheduleNote(two, two, undefined))
      assert.match(
        scheduleNote(two, four, undefined) ?? "",
        /^4 epochs instead of 2: the schedule constant does not depend/
      )
      const cycle = { schedule: { kind: "one-cycle" } }
      const report = yield* trainRun(yield* configOf(2, cycle))
      const note = scheduleNote(yield* configOf(2, cycle), yield* configOf(4, cycle), report) ?? ""
      assert.match(note, /one-cycle spans all epochs.*\(0\.000\d+ at the next step; the last one had 2e-9\)/)
      assert.match(note, /will not be those of a run of 4 epochs/)
      const warm = { schedule: { kind: "step", warmup: 0.2 } }
      assert.match(
        scheduleNote(yield* configOf(2, warm), yield* configOf(4, warm), undefined) ?? "",
        /spans all epochs/
      )
    }).pipe(Effect.provide(layers()))
  )
})
