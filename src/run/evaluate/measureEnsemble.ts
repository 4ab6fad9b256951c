import { Array, Effect, Stream } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { figuresBetween } from "../../metrics/calibration.ts"
import * as Evaluation from "../../metrics/Evaluation.ts"
import { logMeanSoftmax } from "../../model/Predictor.ts"
import type { MeasuredPart } from "../../model/measure.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import { report } from "../../pipeline/Progress.ts"
import type { OpenMember } from "./openEnsemble.ts"

/** The logits of a part before and after the temperatures, for reliability curves: `samples * classes * 8` bytes. */
const keeping = ({ classes, samples }: MeasuredPart) => ({
  before: new Float32Array(samples * classes),
  after: new Float32Array(samples * classes),
  labels: new Int32Array(samples)
})

/**
 * Counts in one pass how well the mean of an ensemble's probabilities does, and each member alone; each with its own
 * temperature. `batches` have the forms of the ensemble's `images`.
 *
 * Where a member has a temperature, the calibration is measured too: of the mean before all temperatures, and after them.
 */
export const measureEnsemble = Effect.fn("measureEnsemble")(function* <Member extends OpenMember, E, R>(
  members: NonEmptyReadonlyArray<Member>,
  batches: Stream.Stream<ReadonlyArray<Batch>, E, R>,
  measured: MeasuredPart,
  bins: number
) {
  const { classes, part, samples } = measured
  let together = Evaluation.empty(classes)
  const alone = Array.map(members, (member) => ({ member, after: together, before: together }))
  const kept = members.some(({ temperature }) => temperature !== undefined) ? keeping(measured) : undefined
  let done = 0
  yield* Stream.runForEach(
    batches,
    Effect.fnUntraced(function* (forms: ReadonlyArray<Batch>) {
      const { labels, size } = forms[0]! // one form at least
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
      together = Evaluation.add(together, after, labels)
      if (kept !== undefined) {
        const before = logMeanSoftmax(
          Array.map(logits, ({ before }) => before),
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
    members: Array.map(alone, ({ after, before, member }) => ({
      ...member,
      alone: after,
      lossBefore: Evaluation.lossOf(before)
    })),
    calibration:
      kept === undefined || done === 0
        ? undefined
        : figuresBetween(numbers(kept.before, kept.labels), numbers(kept.after, kept.labels), bins)
  }
})
