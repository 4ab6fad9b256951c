import { Schema } from "effect"
import { Column, Label } from "./ColumnValue.ts"

/** A class of a label column. */
export const DeskClass = Schema.Struct({
  column: Column,
  label: Label,
  /** Samples that the live model was trained on with it; 0: the model does not know it yet. */
  trained: Schema.Natural,
  /** Answers that hold now. */
  answers: Schema.Natural,
  /** Open items that are not blind and whose first suggestion it is, and in a set the only one: the grid's length. */
  predicted: Schema.Natural
})
export type DeskClass = typeof DeskClass.Type
