import { Array, Effect, Stream } from "effect"
import { calibrationBetween } from "../../metrics/calibration.ts"
import * as Evaluation from "../../metrics/Evaluation.ts"
import { logMeanSoftmax } from "../../model/Predictor.ts"
import type { MeasuredPart } from "../../model/predictTogether.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import { report } from "../../pipeline/Progress.ts"
import type { OpenEnsemble } from "./openEnsemble.ts"

/**
 * What is kept of a part for metrics and reliability curves: the ensemble's logits after the members' temperatures, and
 * before them where there are any; `samples * classes * 4` bytes each.
 */
const keeping = ({ classes, samples }: MeasuredPart, isCalibrated: boolean) => ({
  before: isCalibrated ? new Float32Array(samples * classes) : undefined,
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
  const nothing = Evaluation.empty(classes)
  const alone = Array.map(members, () => ({ after: nothing, before: nothing }))
  const kept = keeping(
    measured,
    members.some(({ temperature }) => temperature !== undefined)
  )
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
      kept.after.set(after, done * classes)
      kept.labels.set(labels, done)
      if (kept.before !== undefined) {
        const before = logMeanSoftmax(
          Array.map(said, ({ before }) => before),
          classes
        )
        kept.before.set(before, done * classes)
      }
      for (const { release } of forms) release?.()
      done += size
      yield* report({ _tag: "Evaluating", part, done, total: samples })
    })
  )
  const predictions = (logits: Float32Array) => ({
    classes,
    logits: logits.subarray(0, done * classes),
    labels: kept.labels.subarray(0, done)
  })
  return {
    together: Evaluation.measure(predictions(kept.after)),
    /** In the members' order. */
    alone: Array.map(alone, ({ after, before }) => ({ after, lossBefore: Evaluation.lossOf(before) })),
    calibration:
      kept.before === undefined || done === 0
        ? undefined
        : calibrationBetween(predictions(kept.before), predictions(kept.after), bins)
  }
})
