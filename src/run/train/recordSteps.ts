import { Effect, Schema } from "effect"
import type { Session } from "../../model/Engine.ts"
import { report } from "../../pipeline/Progress.ts"
import type { RunFolder } from "../RunFolder.ts"
import type { StepSpan } from "./StepSpan.ts"
import { addStep, StepSpanLines, strideOf } from "./StepSpan.ts"

/**
 * A session that keeps the losses and learning rates of its steps in the run's `steps.jsonl`.
 *
 * Written before every snapshot, and so before every checkpoint: a resumed run keeps the spans up to its checkpoint.
 * `steps` is the number of steps of the whole run. If the file cannot be written, one note reports it, and the run goes
 * on.
 */
export const recordSteps = (session: Session, folder: RunFolder["Service"], steps: number): Session => {
  const stride = strideOf(steps)
  let spans: ReadonlyArray<StepSpan> | undefined
  let written: ReadonlyArray<StepSpan> | undefined
  let failed = false

  const known = (until: number) =>
    Effect.gen(function* () {
      if (until === 0) return []
      const text = new TextDecoder().decode(yield* folder.read("steps.jsonl"))
      return (yield* Schema.decodeEffect(StepSpanLines)(text)).filter(({ step }) => step <= until)
    }).pipe(Effect.orElseSucceed((): ReadonlyArray<StepSpan> => []))

  const write = Effect.gen(function* () {
    if (spans === undefined || spans === written || failed) return
    const text = yield* Effect.orDie(Schema.encodeEffect(StepSpanLines)(spans))
    yield* folder.write("steps.jsonl", text)
    written = spans
  }).pipe(
    Effect.catchTag("RunFolderError", (error) => {
      failed = true
      return report({ _tag: "Note", line: `the steps' losses are not kept: ${error.message}` })
    })
  )

  return {
    ...session,
    train: Effect.fnUntraced(function* (batch, at) {
      const result = yield* session.train(batch, at)
      spans = addStep(spans ?? (yield* known(at.step)), stride, { ...at, step: at.step + 1, loss: result.loss })
      return result
    }),
    snapshot: Effect.andThen(write, session.snapshot)
  } satisfies Session
}
