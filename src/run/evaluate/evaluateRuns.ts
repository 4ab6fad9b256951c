import { Array, Effect } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { CalibrationMetrics } from "../../metrics/calibration.ts"
import { accuracyOfColumn, byColumn } from "../../metrics/columns.ts"
import { lossOf } from "../../metrics/Evaluation.ts"
import type { TestReports } from "../../metrics/Report.ts"
import { reportOf } from "../../metrics/Report.ts"
import { reportsOf } from "../../model/measureColumns.ts"
import { elementAt } from "../../pipeline/elementAt.ts"
import { hasOneValue } from "../../pipeline/LabelColumn.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { Part } from "./commonSamples.ts"
import { commonSamples } from "./commonSamples.ts"
import { measureEnsemble } from "./measureEnsemble.ts"
import { openEnsemble } from "./openEnsemble.ts"
import type { PredictorName } from "../predict/openPredictor.ts"
import { openPredictor, openRunEngine } from "../predict/openPredictor.ts"
import type { FinishedRun } from "./readEnsemble.ts"
import { readEnsemble } from "./readEnsemble.ts"

/** Bins of a reliability curve where the configuration sets none. Source: Guo et al., 2017. */
const defaultBins = 15

/** The measurement of one run among several. */
export interface MeasuredMember {
  readonly run: string
  /** The engine that applied it. */
  readonly engine: string
  readonly dataDigest: string
  /** Of the first label column; so are the loss and the accuracy. */
  readonly temperature?: number
  /** Loss of this run alone (nats), with its temperature, where it has one. */
  readonly loss: number | null
  /** Loss without its temperature. */
  readonly lossBefore?: number | null
  /** Accuracy of this run alone. */
  readonly accuracy: number | null
  /** Where there are several label columns, of each. */
  readonly columns?: Readonly<Record<string, { readonly loss: number | null; readonly accuracy: number | null }>>
}

/** The measurement of several runs together on a part of their catalogue. */
export interface Measured {
  readonly part: Part
  readonly samples: number
  /** Metrics of the mean of their probabilities. */
  readonly report: TestReports | null
  /**
   * Calibration of that mean, before and after the members' temperatures, in the first label column; absent where no
   * member has one.
   */
  readonly calibration?: CalibrationMetrics
  /** The same of each column, by its name, where there are several. */
  readonly calibrationColumns?: Readonly<Record<string, CalibrationMetrics>>
  readonly members: NonEmptyReadonlyArray<MeasuredMember>
}

/**
 * Measures runs' models on a part of their catalogue again, as one classifier: the mean of their probabilities, each by
 * its own configuration; without augmentation, whichever part it is.
 *
 * On `engine`; where left out, on the engine that each run ran on, or else the one that its configuration chooses.
 * Fails with a RunError where the runs differ in classes or samples, or the catalogue no longer has those of a model.
 */
export const evaluateRuns = Effect.fn("evaluateRuns")(function* (
  runs: NonEmptyReadonlyArray<FinishedRun>,
  part: Part,
  engine?: PredictorName
) {
  const ensemble = yield* readEnsemble(runs)
  const { columns, config, images } = ensemble
  const opened = yield* openEnsemble(ensemble, (config, model, recorded) =>
    engine === undefined ? openRunEngine(config, model, recorded) : openPredictor(config, model, engine)
  )
  const { losses, members, samples } = yield* commonSamples(columns, opened, part)
  const found = yield* measureEnsemble(
    members,
    Pipeline.evaluationForms(config, images, samples, losses),
    { part, samples: samples.length, columns },
    config.calibration?.bins ?? defaultBins
  )
  const { together } = found
  const isAlone = hasOneValue(columns)
  const { calibration } = elementAt(together, 0)
  const reports = together.map(({ column: { classes, name }, evaluation }) => ({
    name,
    report: { ...(!isAlone && { samples: evaluation.samples }), ...reportOf(evaluation, classes) }
  }))
  const calibrations = together.flatMap(({ calibration, column }) =>
    calibration === undefined ? [] : [[column.name, calibration] as const]
  )
  const measured: Measured = {
    part,
    // Without samples whose image is gone.
    samples: found.samples,
    report: found.samples === 0 ? null : reportsOf(reports),
    ...(calibration && { calibration }),
    ...(calibrations.length > 1 && { calibrationColumns: Object.fromEntries(calibrations) }),
    members: Array.map(found.members, ({ after, before, dataDigest, engine, run, temperature }) => {
      const first = elementAt(after, 0)
      const own = byColumn(columns, after)
      return {
        run,
        engine,
        dataDigest,
        ...(temperature !== undefined && { temperature, lossBefore: lossOf(elementAt(before, 0)) }),
        loss: lossOf(first),
        accuracy: accuracyOfColumn(first),
        ...(own && { columns: own })
      }
    })
  }
  return measured
}, Effect.scoped)

/** The measurement of one run, as `pipeline:evaluate --json` prints it. */
export interface MeasuredAlone extends Omit<Measured, "calibration" | "members"> {
  readonly dataDigest: string
  readonly calibration?: CalibrationMetrics & { readonly temperature: number }
}

/** The measurement as that of one run; undefined where it is of several. */
export const measuredAlone = (measured: Measured): MeasuredAlone | undefined => {
  const { calibration, members, part, report, samples } = measured
  const [{ dataDigest, temperature }, ...others] = members
  if (others.length > 0) return undefined
  return {
    part,
    samples,
    dataDigest,
    report,
    ...(temperature !== undefined && calibration && { calibration: { temperature, ...calibration } })
  }
}
