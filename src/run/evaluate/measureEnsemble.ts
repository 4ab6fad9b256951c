import { elementAt } from "../../pipeline/elementAt.ts"
import { Array, Effect, Stream } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { calibrationBetween } from "../../metrics/calibration.ts"
import * as Evaluation from "../../metrics/Evaluation.ts"
import { logMeanSoftmax } from "../../model/Predictor.ts"
import type { MeasuredPart } from "../../model/measure.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import { report } from "../../pipeline/Progress.ts"
import type { OpenMember } from "./openEnsemble.ts"

/**
 * The logits of a part, for metrics and reliability curves: the ensemble's after the members' temperatures, and before
 * them where there are any; `samples * classes * 4` bytes each.
 */
const keeping = ({ classes, samples }: MeasuredPart, isCalibrated: boolean) => ({
  before: isCalibrated ? new Float32Array(samples * classes) : undefined,
  after: new Float32Array(samples * classes),
  labels: new Int32Array(samples)
})

/**
 * Measures in one pass the mean of an ensemble's probabilities, and each member alone, each with its own temperature.
 * `batches` have the forms of the ensemble's `images`.
 *
 * Where a member has a temperature, the calibration is measured too: of the mean before all temperatures, and after
 * them.
 */
export const measureEnsemble = Effect.fn("measureEnsemble")(function* <Member extends OpenMember, E, R>(
  members: NonEmptyReadonlyArray<Member>,
  batches: Stream.Stream<ReadonlyArray<Batch>, E, R>,
  measured: MeasuredPart,
  bins: number
) {
  const { classes, part, samples } = measured
  const nothing = Evaluation.empty(classes)
  const alone = Array.map(members, (member) => ({ member, after: nothing, before: nothing }))
  const kept = keeping(
    measured,
    members.some(({ temperature }) => temperature !== undefined)
  )
  let done = 0
  yield* Stream.runForEach(
    batches,
    Effect.fnUntraced(function* (forms: ReadonlyArray<Batch>) {
      const { labels, size } = elementAt(forms, 0) // one form at least
      if (size === 0) return
      const logits = yield* Effect.forEach(alone, (sum) =>
        Effect.map(sum.member.predict(forms), (found) => {
          const { after, before } = found
          sum.after = Evaluation.add(sum.after, after, labels)
          // A member that has no temperature gives the same logits twice.
          sum.before = before === after ? sum.after : Evaluation.add(sum.before, before, labels)
          return found
        })
      )
      const after = logMeanSoftmax(
        Array.map(logits, ({ after }) => after),
        classes
      )
      kept.after.set(after, done * classes)
      kept.labels.set(labels, done)
      if (kept.before !== undefined) {
        const before = logMeanSoftmax(
          Array.map(logits, ({ before }) => before),
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
    members: Array.map(alone, ({ after, before, member }) => ({
      ...member,
      alone: after,
      lossBefore: Evaluation.lossOf(before)
    })),
    calibration:
      kept.before === undefined || done === 0
        ? undefined
        : calibrationBetween(predictions(kept.before), predictions(kept.after), bins)
  }
})
