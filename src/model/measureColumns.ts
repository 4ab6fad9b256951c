import type { ColumnPredictions } from "../metrics/columns.ts"
import type { CalibrationMetrics } from "../metrics/calibration.ts"
import { chooseThresholds } from "../metrics/multilabel.ts"
import type { ColumnCalibration, Report, TestReport, TestReports } from "../metrics/Report.ts"
import { reportOf } from "../metrics/Report.ts"
import { cooled } from "../metrics/calibration.ts"
import { elementAt } from "../pipeline/elementAt.ts"
import type { CalibrationConfig, Fitted } from "./measure.ts"
import { calibrate, metricsOf } from "./measure.ts"
import type { StoredPredictions } from "./StoredPredictions.ts"
import { columnOf, columnsOf, multilabelOf, numbersOf } from "./StoredPredictions.ts"

/** What is fitted to a label column on the validation part, and what that does there. */
export interface FittedColumn {
  readonly name: string
  /** Undefined where no calibration is configured. */
  readonly fitted: (Fitted & { readonly metrics: CalibrationMetrics }) | undefined
  /** Of a column with several values: the probability from which on each class applies. */
  readonly thresholds: ReadonlyArray<number> | undefined
}

/** The numbers of one of the label columns: of the samples whose label is known in it. */
export const predictionsOf = (stored: StoredPredictions, index: number): ColumnPredictions => {
  const own = columnOf(stored, index)
  return own.columns === undefined ? numbersOf(own) : multilabelOf(own)
}

/**
 * Fits each label column's temperature, where a calibration is configured, and then its thresholds, where it has several
 * values, on the predictions of the validation part. Nothing is fitted where that part is empty: probabilities stay as
 * they are, and a class applies from one half on.
 */
export const fitColumns = (
  validation: StoredPredictions,
  config: CalibrationConfig | undefined
): ReadonlyArray<FittedColumn> =>
  columnsOf(validation).map(({ index, name }) => {
    const found = predictionsOf(validation, index)
    const fitted = config && validation.samples.length > 0 ? calibrate(found, config) : undefined
    if (!("values" in found)) return { name, fitted, thresholds: undefined }
    return {
      name,
      fitted,
      thresholds: chooseThresholds({ ...found, logits: cooled(found.logits, fitted?.temperature ?? 1) })
    }
  })

/** A test part as the report has it, and what the calibration does there, by label column. */
export interface MeasuredColumns {
  readonly test: TestReports | null
  /** Undefined where no calibration is configured. */
  readonly calibration: Report["calibration"]
}

/** The reports of label columns as one: the first one's, and where there are several, those of all. */
export const reportsOf = (
  measured: ReadonlyArray<{ readonly name: string; readonly report: TestReport }>
): TestReports => ({
  ...elementAt(measured, 0).report,
  ...(measured.length > 1 && { columns: Object.fromEntries(measured.map(({ name, report }) => [name, report])) })
})

/**
 * The metrics of a part's predictions in each label column, at its temperature and thresholds; those of the first column
 * in the places that a run of one column has. Where they are to be compared with a report that was written earlier
 * (`reported`), without the metrics that were added since.
 */
export const measureColumns = (
  test: StoredPredictions,
  fitted: ReadonlyArray<FittedColumn>,
  reported?: TestReports | null
): MeasuredColumns => {
  const isAlone = test.columns === undefined
  const measured = columnsOf(test).map(({ classes, index, name }) => {
    const { fitted: cooling, thresholds } = elementAt(fitted, index)
    const { calibration, evaluation } = metricsOf(predictionsOf(test, index), cooling, thresholds)
    const before = isAlone ? reported : (reported?.columns?.[name] ?? reported)
    const { temperature, metrics: validation } = cooling ?? {}
    return {
      name,
      report: {
        ...(!isAlone && { samples: evaluation.samples }),
        ...reportOf(evaluation, classes, before)
      } satisfies TestReport,
      calibration:
        temperature === undefined || validation === undefined
          ? undefined
          : ({ temperature, validation, test: calibration ?? null } satisfies ColumnCalibration)
    }
  })
  const first = elementAt(measured, 0)
  const cooled = measured.flatMap(({ calibration, name }) => (calibration ? [[name, calibration] as const] : []))
  const bins = fitted[0]?.fitted?.bins
  return {
    test: test.samples.length === 0 ? null : reportsOf(measured),
    calibration:
      first.calibration === undefined || bins === undefined
        ? undefined
        : {
            temperature: first.calibration.temperature,
            bins,
            validation: first.calibration.validation,
            test: first.calibration.test,
            ...(measured.length > 1 && { columns: Object.fromEntries(cooled) })
          }
  }
}

/** What was fitted, as a model has it: each column's temperature and thresholds. */
export const fittedFields = ({ fitted, thresholds }: FittedColumn) => ({
  ...(fitted && { temperature: fitted.temperature }),
  ...(thresholds && { thresholds })
})
