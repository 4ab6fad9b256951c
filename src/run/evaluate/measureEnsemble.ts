import { Array, Effect, Stream } from "effect"
import { figuresBetween } from "../../metrics/calibration.ts"
import * as Evaluation from "../../metrics/Evaluation.ts"
import { logMeanSoftmax } from "../../model/Predictor.ts"
import type { MeasuredPart } from "../../model/measure.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import { report } from "../../pipeline/Progress.ts"
import type { OpenEnsemble } from "./openEnsemble.ts"

/** What is kept of a part for reliability curves, `samples * classes * 8` bytes: what all say before and after. */
const keeping = ({ classes, samples }: MeasuredPart) => ({
  before: new Float32Array(samples * classes),
  after: new Float32Array(samples * classes),
  labels: new Int32Array(samples)
})

/**
 * Counts in one pass how well the mean of an ensemble's probabilities does, and each member alone; each with its own
 * temperature. `batches` have the forms of the ensemble's `images`.
 *
 * Where a member has a temperature, there are figures of the calibration too: of the mean before all temperatures, and
 * after them.
 */
export const measureEnsemble = Effect.fn("measureEnsemble")(function* <E, R>(
  { members, predict }: OpenEnsemble,
  batches: Stream.Stream<ReadonlyArray<Batch>, E, R>,
  measured: MeasuredPart,
  bins: number
) {
  const { classes, part, samples } = measured
  let together = Evaluation.empty(classes)
  const alone = Array.map(members, () => ({ after: together, before: together }))
  const kept = members.some(({ temperature }) => temperature !== undefined) ? keeping(measured) : undefined
  let done = 0
  yield* Stream.runForEach(
    batches,
    Effect.fnUntraced(function* (forms: ReadonlyArray<Batch>) {
      const { labels, size } = forms[0]! // one form at least
      if (size === 0) return
      const said = yield* predict(forms)
      for (const [i, { after, before }] of said.entries()) {
        const so = alone[i]! // one for each
        const sum = Evaluation.add(so.after, after, labels)
        // One that has no temperature gives the same logits twice.
        alone[i] = { after: sum, before: before === after ? sum : Evaluation.add(so.before, before, labels) }
      }
      const after = logMeanSoftmax(
        Array.map(said, ({ after }) => after),
        classes
      )
      together = Evaluation.add(together, after, labels)
      if (kept !== undefined) {
        const before = logMeanSoftmax(
          Array.map(said, ({ before }) => before),
          classes
        )
        kept.before.set(before, done * classes)
        kept.after.set(after, done * classes)
        kept.labels.set(labels, done)
      }
      for (const { release } of forms) release?.()
      done += size
      yield* report({ _tag: "Evaluating", part, done, total: samples })
    })
  )
  const numbers = (logits: Float32Array, labels: Int32Array) => ({
    classes,
    logits: logits.subarray(0, done * classes),
    labels: labels.subarray(0, done)
  })
  return {
    together,
    /** In the members' order. */
    alone: Array.map(alone, ({ after, before }) => ({ after, lossBefore: Evaluation.lossOf(before) })),
    calibration:
      kept === undefined || done === 0
        ? undefined
        : figuresBetween(numbers(kept.before, kept.labels), numbers(kept.after, kept.labels), bins)
  }
})
