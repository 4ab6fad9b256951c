import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Session } from "../../../src/model/Engine.ts"
import type { Batch } from "../../../src/pipeline/Batch.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { recordSteps } from "../../../src/run/train/recordSteps.ts"
import { RunFolder, RunFolderError } from "../../../src/run/RunFolder.ts"
import type { StepSpan } from "../../../src/run/train/StepSpan.ts"
import { addStep, mostSpans, StepSpanLines, strideOf } from "../../../src/run/train/StepSpan.ts"

const lossAt = (step: number) => 2 / (1 + step)
const rateAt = (step: number) => 0.1 - step / 1e5

/** A session whose loss is a function of the step. */
const session: Session = {
  train: (_, { step }) => Effect.succeed({ loss: lossAt(step), logits: new Float32Array(0), gradientNorm: 0 }),
  predict: () => Effect.succeed(new Float32Array(0)),
  snapshot: Effect.succeed({ weights: new Map(), optimizer: { step: 0, slots: new Map() } }),
  restore: () => Effect.void
}
// Nothing of a batch is looked at.
const batch = {} as Batch

const trainOn = (recorded: Session, from: number, until: number) =>
  Effect.forEach(
    Array.from({ length: until - from }, (_, i) => from + i),
    (step) => recorded.train(batch, { step, learningRate: rateAt(step) }),
    { discard: true }
  )
const spans = Effect.gen(function* () {
  const bytes = yield* RunFolder.use((folder) => folder.read("steps.jsonl"))
  return yield* Schema.decodeEffect(StepSpanLines)(new TextDecoder().decode(bytes))
})

describe("recordSteps", () => {
  it.effect("keeps every step of a short run, and the means of as many steps as it takes of a long one", () =>
    Effect.gen(function* () {
      const short = recordSteps(session, yield* RunFolder, 5)
      yield* trainOn(short, 0, 5)
      yield* short.snapshot
      assert.deepStrictEqual(
        (yield* spans).map(({ learningRate, loss, step, steps }) => [step, steps, loss, learningRate]),
        [0, 1, 2, 3, 4].map((step) => [step + 1, 1, lossAt(step), rateAt(step)])
      )
      const steps = 3 * mostSpans + 50
      const long = recordSteps(session, yield* RunFolder, steps)
      yield* trainOn(long, 0, steps)
      yield* long.snapshot
      const all = yield* spans
      assert.strictEqual(strideOf(steps), 4)
      assert.strictEqual(all.length, Math.ceil(steps / 4))
      assert.strictEqual(
        all.reduce((sum, { steps }) => sum + steps, 0),
        steps
      )
      assert.approximately(all[1]!.loss!, (lossAt(4) + lossAt(5) + lossAt(6) + lossAt(7)) / 4, 1e-12)
      assert.strictEqual(all[1]!.learningRate, rateAt(7))
    }).pipe(Effect.provide(RunFolder.layerMemory))
  )

  it.effect("goes on after a checkpoint as if the run had never stopped, and forgets what came after it", () =>
    Effect.gen(function* () {
      const steps = 2 * mostSpans
      const whole = recordSteps(session, yield* RunFolder, steps)
      yield* trainOn(whole, 0, 41)
      yield* whole.snapshot
      const expected = yield* spans
      const killed = recordSteps(session, yield* RunFolder, steps)
      yield* trainOn(killed, 0, 17)
      yield* killed.snapshot
      yield* trainOn(killed, 17, 30) // lost with the process
      const resumed = recordSteps(session, yield* RunFolder, steps)
      yield* trainOn(resumed, 17, 41)
      yield* resumed.snapshot
      assert.deepStrictEqual(yield* spans, expected)
      const earlier = recordSteps(session, yield* RunFolder, steps)
      yield* trainOn(earlier, 10, 12)
      yield* earlier.snapshot
      assert.deepStrictEqual(
        (yield* spans).map(({ step }) => step),
        [2, 4, 6, 8, 10, 12]
      )
    }).pipe(Effect.provide(RunFolder.layerMemory))
  )

  it.effect("says once that the file cannot be written, and trains on", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const full = RunFolder.of({
        ...(yield* RunFolder),
        write: (path) => Effect.fail(new RunFolderError({ path, reason: "unwritable", detail: "the disk is full" }))
      })
      yield* Effect.gen(function* () {
        const recorded = recordSteps(session, yield* RunFolder, 4)
        yield* trainOn(recorded, 0, 2)
        yield* recorded.snapshot
        yield* trainOn(recorded, 2, 4)
        yield* recorded.snapshot
      }).pipe(
        Effect.provideService(RunFolder, full),
        Effect.provideService(Progress, (event) =>
          Effect.sync(() => void (event._tag === "Note" && notes.push(event.line)))
        )
      )
      assert.deepStrictEqual(notes, ["the steps' losses are not kept: steps.jsonl: the disk is full"])
    }).pipe(Effect.provide(RunFolder.layerMemory))
  )

  it("keeps a loss that is no number as none, and the spans beside it as they are", () => {
    const add = (spans: ReadonlyArray<StepSpan>, step: number, loss: number) =>
      addStep(spans, 2, { step, loss, learningRate: 1 })
    const found = add(add(add([], 1, 4), 2, Number.NaN), 3, 1)
    assert.deepStrictEqual(
      found.map(({ loss, step }) => [step, loss]),
      [
        [2, null],
        [3, 1]
      ]
    )
  })
})
