import { elementAt } from "../pipeline/elementAt.ts"
import { Schema } from "effect"
import { CalibrationMetrics } from "./calibration.ts"
import * as Confusion from "./Confusion.ts"
import type { Measurement } from "./Evaluation.ts"
import { metricFields, metricValues } from "./metrics.ts"
import { scores } from "./scores.ts"

/** A number, or null where it does not exist (no validation part, one class only); never NaN. */
const Nullable = Schema.NullOr(Schema.Finite)

/** How many samples there are of something. */
const Count = Schema.Natural

/** How many of the listed rows were kept, refused and left out: `listed = kept + the sum of refused + the sum of leftOut`. */
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
   * without a temperature: it is fitted when the training is done.
   */
  trainLoss: Schema.Finite,
  trainAccuracy: Schema.Finite,
  validationLoss: Nullable,
  validationAccuracy: Nullable,
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
export type EpochNumber = Exclude<keyof EpochRecord, "ranOn">

const Score = Schema.Struct({ precision: Schema.Finite, recall: Schema.Finite, f1: Schema.Finite })

/** The metrics of the chosen weights on samples that were not trained on. */
export const TestReport = Schema.Struct({
  /** The loss is of the model as it is used: with its temperature, where it has one. */
  ...metricFields,
  perClass: Schema.Array(Schema.Struct({ label: Schema.String, ...Score.fields, support: Count })),
  /** Rows are the true classes, columns the predicted ones, in the order of `perClass`. */
  confusion: Schema.Array(Schema.Array(Count))
})
export type TestReport = typeof TestReport.Type

/** Everything that is needed to repeat the result, and to check that it is the same. */
export const Receipt = Schema.Struct({
  dataDigest: Schema.String,
  configDigest: Schema.String,
  /** SHA-256 of the tensors that the run began with, where they came from a file. */
  weightsDigest: Schema.optionalKey(Schema.String),
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
    perClass: Schema.optionalKey(Schema.Array(ClassCounts))
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
  /** The epoch (from 1) whose weights are the model. */
  chosenEpoch: Schema.Natural,
  /** Null where the split has no test part. */
  test: Schema.NullOr(TestReport),
  /**
   * The temperature is fitted on the validation part; absent where no calibration is configured. `test.loss` is with the
   * temperature, and equals `lossAfter` here; `lossBefore` and all losses of the history are without it.
   */
  calibration: Schema.optionalKey(
    Schema.Struct({
      temperature: Schema.Finite,
      bins: Count,
      validation: CalibrationMetrics,
      /** Null where the split has no test part. */
      test: Schema.NullOr(CalibrationMetrics)
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

/**
 * A measurement as the report has it; null where nothing was measured. `labels` are the classes' names. Where it is to be
 * compared with a report that was written earlier (`reported`), without the metrics that were added since.
 */
export const testReport = (
  measured: Measurement,
  labels: ReadonlyArray<string>,
  reported?: TestReport | null
): TestReport | null => {
  if (measured.samples === 0) return null
  return {
    ...metricValues(measured, reported),
    perClass: scores(measured.confusion).map((score, i) => ({ label: elementAt(labels, i), ...score })),
    confusion: Confusion.rows(measured.confusion)
  }
}
