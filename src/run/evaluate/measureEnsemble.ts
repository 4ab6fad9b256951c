import { elementAt } from "../../pipeline/elementAt.ts"
import { Array, Effect, Stream } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { calibrationBetween } from "../../metrics/calibration.ts"
import * as Columns from "../../metrics/columns.ts"
import { metricsOf } from "../../model/measure.ts"
import type { MeasuredPart } from "../../model/measure.ts"
import { meanPrediction } from "../../model/Predictor.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import type { ColumnLabels } from "../../pipeline/LabelColumn.ts"
import { logitsOfColumn } from "../../pipeline/LabelColumn.ts"
import { report } from "../../pipeline/Progress.ts"
import type { OpenMember } from "./openEnsemble.ts"
import type { Ensemble } from "./readEnsemble.ts"
import { thresholdsOf } from "./readEnsemble.ts"

/** A part of the catalogue that an ensemble is measured on. */
interface EnsemblePart extends Omit<MeasuredPart, "columns"> {
  readonly columns: Ensemble["columns"]
}

/**
 * The logits of a part, for metrics and reliability curves: the ensemble's after the members' temperatures, and before
 * them where there are any; `samples * classes * 4` bytes each.
 */
const keeping = ({ columns, samples }: EnsemblePart, isCalibrated: boolean) => {
  const classes = columns.reduce((sum, column) => sum + column.classes.length, 0)
  return {
    classes,
    before: isCalibrated ? new Float32Array(samples * classes) : undefined,
    after: new Float32Array(samples * classes),
    /** Of each batch, by column. */
    labels: new globalThis.Array<ReadonlyArray<ColumnLabels>>()
  }
}

/**
 * Measures in one pass the mean of an ensemble's probabilities, and each member alone, each with its own temperatures; by
 * label column. `batches` have the forms of the ensemble's `images`.
 *
 * Where a member has a temperature, the calibration is measured too: of the mean before all temperatures, and after
 * them.
 */
export const measureEnsemble = Effect.fn("measureEnsemble")(function* <Member extends OpenMember, E, R>(
  members: NonEmptyReadonlyArray<Member>,
  batches: Stream.Stream<ReadonlyArray<Batch>, E, R>,
  measured: EnsemblePart,
  bins: number
) {
  const { columns, part, samples } = measured
  const nothing = Columns.empty(columns)
  const alone = Array.map(members, (member) => ({
    member,
    // With its own thresholds, where a column has several values.
    columns: ownColumns(columns, member),
    after: nothing,
    before: nothing
  }))
  const kept = keeping(
    measured,
    members.some(({ temperature }) => temperature !== undefined)
  )
  let done = 0
  yield* Stream.runForEach(
    batches,
    Effect.fnUntraced(function* (forms: ReadonlyArray<Batch>) {
      const batch = elementAt(forms, 0) // one form at least
      const { size } = batch
      if (size === 0) return
      const labels = Columns.batchLabels(batch)
      const logits = yield* Effect.forEach(alone, (sum) =>
        Effect.map(sum.member.predict(forms), (found) => {
          const { after, before } = found
          sum.after = Columns.add(sum.after, sum.columns, after, labels)
          // A member that has no temperature gives the same logits twice.
          sum.before = before === after ? sum.after : Columns.add(sum.before, sum.columns, before, labels)
          return found
        })
      )
      const mean = (of: (found: (typeof logits)[number]) => Float32Array) =>
        meanPrediction(Array.map(logits, of), columns)
      kept.after.set(
        mean(({ after }) => after),
        done * kept.classes
      )
      kept.before?.set(
        mean(({ before }) => before),
        done * kept.classes
      )
      kept.labels.push(labels)
      for (const { release } of forms) release?.()
      done += size
      yield* report({ _tag: "Evaluating", part, done, total: samples })
    })
  )
  const all = columns.map((column, k) =>
    Columns.joinLabels(
      column,
      kept.labels.map((labels) => elementAt(labels, k))
    )
  )
  const predictions = (logits: Float32Array, k: number) =>
    Columns.knownPredictions(
      elementAt(columns, k).classes.length,
      logitsOfColumn(logits.subarray(0, done * kept.classes), columns, k),
      elementAt(all, k)
    )
  return {
    samples: done,
    /** The ensemble in each label column. */
    together: columns.map((column, k) => ({
      column,
      evaluation: metricsOf(predictions(kept.after, k), undefined, column.thresholds).evaluation,
      calibration:
        kept.before === undefined || done === 0
          ? undefined
          : calibrationBetween(predictions(kept.before, k), predictions(kept.after, k), bins)
    })),
    members: Array.map(alone, ({ after, before, member }) => ({ ...member, after, before }))
  }
})

/** The ensemble's columns with a member's own thresholds. */
const ownColumns = (columns: Ensemble["columns"], { model, order }: OpenMember): Ensemble["columns"] => {
  const own = thresholdsOf(model)
  return columns.map((column) =>
    column.thresholds === undefined
      ? column
      : { ...column, thresholds: column.thresholds.map((_, c) => elementAt(own, elementAt(order, column.from + c))) }
  )
}
