import { elementAt } from "../pipeline/elementAt.ts"
import { LabelColumn } from "../pipeline/LabelColumn.ts"
import { Schema } from "effect"
import { CalibrationMetrics } from "./calibration.ts"
import * as Confusion from "./Confusion.ts"
import type { Measurement } from "./Evaluation.ts"
import { metricFields, metricValues } from "./metrics.ts"
import { multilabelAveragePrecisions } from "./metrics/averagePrecision.ts"
import type { MultilabelMeasurement } from "./multilabel.ts"
import { scores, scoresOf } from "./scores.ts"

/** A number, or null where it does not exist (no validation part, one class only); never NaN. */
const Nullable = Schema.NullOr(Schema.Finite)

/** How many samples there are of something. */
const Count = Schema.Natural

/**
 * How many of the listed rows were kept, refused and left out: `listed = kept + the sum of refused + the sum of
 * leftOut`.
 */
export const LedgerCounts = Schema.Struct({
  listed: Count,
  kept: Count,
  /** Faults of the data by reason; a reason without rows is absent. */
  refused: Schema.Record(Schema.String, Count),
  /** What the configuration chose to leave out, by reason; reports of Weft 0.1 have it among `refused`. */
  leftOut: Schema.optionalKey(Schema.Record(Schema.String, Count))
})
export type LedgerCounts = typeof LedgerCounts.Type

/** How many rows have a label, and how many of them are in each part; of a class that was left out, none. */
export const ClassCounts = Schema.Struct({
  label: Schema.String,
  listed: Count,
  train: Count,
  validation: Count,
  test: Count,
  /** By choice of the configuration; other rows in no part were refused. Reports of Weft 0.1 have none. */
  leftOut: Schema.optionalKey(Count)
})
export type ClassCounts = typeof ClassCounts.Type

/** The engine that trains, and the one that applies the frozen part where it is another. */
export const RanOn = Schema.Struct({
  engine: Schema.String,
  /** For people: "CPU, WebAssembly with SIMD, 2 threads". */
  device: Schema.String,
  /** Name and version of the engine of the frozen part. */
  features: Schema.optionalKey(Schema.String)
})
export type RanOn = typeof RanOn.Type

/** One epoch, as `history` and each line of `history.jsonl` have it. */
export const EpochRecord = Schema.Struct({
  /** From 1. */
  epoch: Schema.Natural,
  /**
   * Means over the epoch's batches as they were trained, with dropout and augmentation on. All losses of an epoch are
   * without a temperature: it is fitted when the training is done. With several label columns, the loss is the sum of
   * their losses by their weights, and the accuracy the mean of theirs.
   */
  trainLoss: Schema.Finite,
  trainAccuracy: Schema.Finite,
  validationLoss: Nullable,
  validationAccuracy: Nullable,
  /** Each label column's own, by its name, where there are several: its loss (nats, without its weight), its accuracy. */
  validationColumns: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Struct({ loss: Nullable, accuracy: Nullable }))
  ),
  /** Of the epoch's last step. */
  learningRate: Schema.Finite,
  /** Training images over the time of training, without evaluation. */
  imagesPerSecond: Schema.Finite,
  /** Of the whole epoch, evaluation included. */
  seconds: Schema.Finite,
  /** Share of the training time in which the engine waited for images. */
  waiting: Schema.optionalKey(Schema.Finite),
  /** The engines of its steps: one, unless the run was resumed on another within the epoch; absent in older reports. */
  ranOn: Schema.optionalKey(Schema.Array(RanOn))
})
export type EpochRecord = typeof EpochRecord.Type
/** The keys of an epoch that have a number, or null. */
export type EpochNumber = Exclude<keyof EpochRecord, "ranOn" | "validationColumns">

const Score = Schema.Struct({ precision: Schema.Finite, recall: Schema.Finite, f1: Schema.Finite })

/** The metrics of the chosen weights on samples that were not trained on, in one label column. */
export const TestReport = Schema.Struct({
  /** The samples whose label is known in this column; absent in a run of one column with one value: all are. */
  samples: Schema.optionalKey(Count),
  /**
   * The loss is of the model as it is used: with its temperature, where it has one. In a column with several values the
   * accuracy is the share of the samples whose classes are all right.
   */
  ...metricFields,
  perClass: Schema.Array(
    Schema.Struct({
      label: Schema.String,
      ...Score.fields,
      support: Count,
      /** In a column with several values: the probability from which on the class applies. */
      threshold: Schema.optionalKey(Schema.Finite),
      /** In a column with several values; null where no sample has the class. */
      averagePrecision: Schema.optionalKey(Nullable)
    })
  ),
  /**
   * Rows are the true classes, columns the predicted ones, in the order of `perClass`; empty in a column with several
   * values.
   */
  confusion: Schema.Array(Schema.Array(Count))
})
export type TestReport = typeof TestReport.Type

/** The metrics of the first label column, and where there are several columns, those of each, by its name. */
export const TestReports = Schema.Struct({
  ...TestReport.fields,
  columns: Schema.optionalKey(Schema.Record(Schema.String, TestReport))
})
export type TestReports = typeof TestReports.Type

/**
 * How often two predicted values of a sample never occur together in training, and how often one of them is wrong then.
 */
export const UnseenPairs = Schema.Struct({
  /** Samples with a prediction in two columns with one value each: all of them. */
  samples: Count,
  /** Samples with at least one such pair. */
  flagged: Count,
  /** Samples with a wrong prediction in one of the columns, where it is known: flagged ones, and others. */
  wrong: Schema.Struct({ flagged: Count, others: Count }),
  /** The pairs, by the samples' order; at most 1000. */
  pairs: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      /** Names of the columns, and the predicted values. */
      columns: Schema.Tuple([Schema.String, Schema.String]),
      values: Schema.Tuple([Schema.String, Schema.String]),
      /** Whether one of the two is wrong; null where neither is known. */
      wrong: Schema.NullOr(Schema.Boolean)
    })
  )
})
export type UnseenPairs = typeof UnseenPairs.Type

/** The rows of a label column: how many of the kept ones have a known value, and why others have none. */
export const ColumnCounts = Schema.Struct({
  name: Schema.String,
  values: LabelColumn.fields.values,
  /** How many classes there are. */
  classes: Count,
  /** `kept = known + empty + rare + conflicting`, of the kept rows. */
  known: Count,
  empty: Count,
  /** Left out, as the value has too few samples. */
  rare: Count,
  /** Left out, as rows with the same image have other values; absent where none was. */
  conflicting: Schema.optionalKey(Count),
  /**
   * For every value in the catalogue, the largest first, also those that were left out; of a column with several values, a
   * row counts for each of its values.
   */
  perClass: Schema.Array(ClassCounts)
})
export type ColumnCounts = typeof ColumnCounts.Type

/** Everything that is needed to repeat the result, and to check that it is the same. */
export const Receipt = Schema.Struct({
  dataDigest: Schema.String,
  configDigest: Schema.String,
  /** SHA-256 of the tensors that the run began with, where they came from a file. */
  weightsDigest: Schema.optionalKey(Schema.String),
  /** Of each teacher's network, weights and classes, where there are teachers. */
  teacherDigests: Schema.optionalKey(Schema.Array(Schema.String)),
  ledger: LedgerCounts,
  /** SHA-256 of files in the run's folder, by name: of those that depend only on the engine and on the fields above. */
  files: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  /** Versions of Weft, Node and the engines, by name. */
  versions: Schema.Record(Schema.String, Schema.String),
  /** Seeds by what they seed: the run, the split. */
  seeds: Schema.Record(Schema.String, Schema.Natural),
  machine: Schema.Struct({
    platform: Schema.String,
    arch: Schema.String,
    cpus: Schema.Natural,
    /** Bytes. */
    memory: Schema.Natural
  })
})
export type Receipt = typeof Receipt.Type

/** A label column's temperature, and what it does. A column without known samples in the validation part has none. */
export const ColumnCalibration = Schema.Struct({
  temperature: Schema.Finite,
  validation: CalibrationMetrics,
  /** Null where the split has no test part. */
  test: Schema.NullOr(CalibrationMetrics)
})
export type ColumnCalibration = typeof ColumnCalibration.Type

/** A run's `report.json`. */
export const Report = Schema.Struct({
  /** Samples; `classes` is how many classes there are. */
  data: Schema.Struct({
    ...LedgerCounts.fields,
    classes: Count,
    train: Count,
    validation: Count,
    test: Count,
    /** For every label in the catalogue, the largest first; reports of Weft 0.1 have none. */
    perClass: Schema.optionalKey(Schema.Array(ClassCounts)),
    /** For each label column, where there are several, or one with several values. */
    columns: Schema.optionalKey(Schema.Array(ColumnCounts))
  }),
  model: Schema.Struct({
    network: Schema.String,
    /** The head that replaced the network's own last layer; null where none did. */
    head: Schema.NullOr(Schema.String),
    /** As PyTorch counts them: running statistics are buffers, and not counted. */
    parameters: Count,
    trainableParameters: Count
  }),
  history: Schema.Array(EpochRecord),
  /** Of a run with `train.labelNoise`; the labels themselves are in `label-noise.json`. */
  labelNoise: Schema.optionalKey(
    Schema.Struct({
      treatment: Schema.Literals(["softened", "left out"]),
      /** Of each label column with one value: training labels, those that are likely wrong, and those of them that were treated. */
      columns: Schema.Array(Schema.Struct({ name: Schema.String, labels: Count, found: Count, treated: Count }))
    })
  ),
  /** The epoch (from 1) whose weights are the model. */
  chosenEpoch: Schema.Natural,
  /** Null where the split has no test part. */
  test: Schema.NullOr(TestReports),
  /** Of the test part's predictions; absent where there are not two columns with one value, or there is no test part. */
  unseenPairs: Schema.optionalKey(UnseenPairs),
  /**
   * The temperature is fitted on the validation part; absent where no calibration is configured. `test.loss` is with the
   * temperature, and equals `lossAfter` here; `lossBefore` and all losses of the history are without it. Each label
   * column has its own temperature; these are the first one's, those of all are in `columns`, where there are several.
   */
  calibration: Schema.optionalKey(
    Schema.Struct({
      ...ColumnCalibration.fields,
      bins: Count,
      columns: Schema.optionalKey(Schema.Record(Schema.String, ColumnCalibration))
    })
  ),
  engine: Schema.Struct({
    name: Schema.String,
    device: Schema.String,
    versions: Schema.Record(Schema.String, Schema.String)
  }),
  /** Of the whole run, by the monotonic clock; of a resumed run, the sum over its processes. */
  seconds: Schema.Finite,
  /** The part of `seconds` after the training: measuring on the validation and test parts, and writing. */
  measuringSeconds: Schema.optionalKey(Schema.Finite),
  receipt: Receipt
})
export type Report = typeof Report.Type

/** A measurement as the report has it, also one of no samples; see `testReport`. */
export const reportOf = (
  measured: Measurement | MultilabelMeasurement,
  labels: ReadonlyArray<string>,
  reported?: TestReport | null
): TestReport => {
  if ("values" in measured) {
    const precisions = multilabelAveragePrecisions(measured.predictions)
    return {
      samples: measured.samples,
      ...metricValues(measured, reported),
      perClass: scoresOf(measured).map((score, i) => ({
        label: elementAt(labels, i),
        ...score,
        threshold: elementAt(measured.thresholds, i),
        averagePrecision: elementAt(precisions, i)
      })),
      confusion: []
    }
  }
  return {
    ...metricValues(measured, reported),
    perClass: scores(measured.confusion).map((score, i) => ({ label: elementAt(labels, i), ...score })),
    confusion: Confusion.rows(measured.confusion)
  }
}

/**
 * A measurement as the report has it; null where nothing was measured. `labels` are the classes' names. Where it is to be
 * compared with a report that was written earlier (`reported`), without the metrics that were added since.
 */
export const testReport = (
  measured: Measurement | MultilabelMeasurement,
  labels: ReadonlyArray<string>,
  reported?: TestReport | null
): TestReport | null => (measured.samples === 0 ? null : reportOf(measured, labels, reported))
