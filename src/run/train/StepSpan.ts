import { Effect, Schema, SchemaGetter } from "effect"
import type { RunFolder } from "../RunFolder.ts"

/** Consecutive steps, as a line of `steps.jsonl`. */
export const StepSpan = Schema.Struct({
  /** Steps of the run at the span's end. */
  step: Schema.Natural,
  /** How many steps it has. */
  steps: Schema.Natural,
  /** Mean of their losses, as they were trained (nats); null where that is no number. */
  loss: Schema.NullOr(Schema.Finite),
  /** Learning rate of the last step. */
  learningRate: Schema.Finite
})
export type StepSpan = typeof StepSpan.Type

/** All spans as the text of `steps.jsonl`. */
export const StepSpanLines = Schema.String.pipe(
  Schema.decodeTo(Schema.Array(Schema.fromJsonString(StepSpan)), {
    decode: SchemaGetter.transform((text: string) => text.split("\n").filter((line) => line !== "")),
    encode: SchemaGetter.transform((lines: ReadonlyArray<string>) => lines.map((line) => `${line}\n`).join(""))
  })
)

/** The steps of a run whose losses are known; none where they could not be stored. */
export const readSteps = (folder: RunFolder["Service"]): Effect.Effect<ReadonlyArray<StepSpan>> =>
  folder.read("steps.jsonl").pipe(
    Effect.flatMap((bytes) => Schema.decodeEffect(StepSpanLines)(new TextDecoder().decode(bytes))),
    Effect.orElseSucceed(() => [])
  )

/** About how many spans a run keeps, however many steps it has. */
export const mostSpans = 400

/** Steps of a span, in a run of `steps`. */
export const strideOf = (steps: number): number => Math.max(1, Math.ceil(steps / mostSpans))

/**
 * The spans with one step more. `step` counts the steps done with it; a new span begins after each multiple of `stride`,
 * so that the spans of a run that was resumed end where those of one that was not do.
 */
export const addStep = (
  spans: ReadonlyArray<StepSpan>,
  stride: number,
  { learningRate, loss, step }: { readonly step: number; readonly loss: number; readonly learningRate: number }
): ReadonlyArray<StepSpan> => {
  const last = spans.at(-1)
  const number = Number.isFinite(loss) ? loss : null
  if (last === undefined || last.step % stride === 0 || last.step !== step - 1)
    return [...spans, { step, steps: 1, loss: number, learningRate }]
  const steps = last.steps + 1
  const mean = last.loss === null || number === null ? null : last.loss + (number - last.loss) / steps
  return [...spans.slice(0, -1), { step, steps, loss: mean, learningRate }]
}
