import { Schema } from "effect"
import { Column, Value } from "./ColumnValue.ts"
import { Digest, Name } from "./Item.ts"

/** One cell that people have changed: of a row of the catalogue, or (without a row) of an upload. */
export const Correction = Schema.Struct({
  digest: Digest,
  /** The row's id; null for an upload that belongs to no row. */
  row: Schema.NullOr(Name),
  name: Name,
  column: Column,
  /** What the catalogue has; null: an empty cell. */
  from: Schema.NullOr(Value),
  to: Value
})
export type Correction = typeof Correction.Type

/** A blind answer, for the gate. */
export const BlindAnswer = Schema.Struct({ digest: Digest, column: Column, value: Value })
export type BlindAnswer = typeof BlindAnswer.Type

/** Which answers are asked for. */
export interface CorrectionChoice {
  /**
   * `all` for people and exports. `training`: without items of the validation and test parts, and without blind answers
   * since the last promotion, which the gate measures on.
   */
  readonly of: "all" | "training"
}
