import { Schema } from "effect"
import type { Range } from "../onnx/quantise.ts"

/** How an export's numbers are kept: in single precision, in half precision, or in 8 bits. */
export const ExportPrecision = Schema.Literals(["fp32", "fp16", "int8"])
export type ExportPrecision = typeof ExportPrecision.Type

/** A precision with all that a graph needs to be written in it. */
export type Precision =
  | { readonly name: "fp32" }
  | { readonly name: "fp16" }
  | {
      readonly name: "int8"
      /** What each quantised value was between, in the images of the calibration; by its name in the float32 graph. */
      readonly ranges: ReadonlyMap<string, Range>
    }

/** Accuracy that a lower precision costs in a label column, on images of the validation part. */
export const PrecisionLoss = Schema.Struct({
  /** The column's name; absent where there is one column with one value. */
  column: Schema.optionalKey(Schema.String),
  /** Images whose label is known. */
  samples: Schema.Natural,
  /**
   * Accuracy of the float32 export and of this one; with several values, the share of images whose classes are all
   * right.
   */
  fp32: Schema.Finite,
  accuracy: Schema.Finite,
  /** The second less the first, and what it lies within at 95 %; see `pairedDifference`. */
  difference: Schema.Finite,
  interval: Schema.Struct({ low: Schema.Finite, high: Schema.Finite })
})
export type PrecisionLoss = typeof PrecisionLoss.Type

/** What an export in a lower precision says of itself. */
export const PrecisionFacts = Schema.Struct({
  name: Schema.Literals(["fp16", "int8"]),
  /** Images of the training part from which the ranges of int8 are. */
  calibrationImages: Schema.optionalKey(Schema.Natural),
  loss: Schema.Array(PrecisionLoss)
})
export type PrecisionFacts = typeof PrecisionFacts.Type
