import { Schema } from "effect"
import { elementAt } from "./elementAt.ts"

/**
 * A label column of a run: what it is called and which values it takes. A run has one or several; the network has one
 * head for each, in the same order.
 *
 * `classes` are the values that a sample can have, by code point. `values` says how many of them: `one`, exactly one;
 * `several`, any number of them, each by itself (tags).
 */
export const LabelColumn = Schema.Struct({
  name: Schema.String,
  classes: Schema.Array(Schema.String),
  values: Schema.Literals(["one", "several"])
})
export type LabelColumn = typeof LabelColumn.Type

/** Whether a run has one label column with one value: it has nothing else of several columns then. */
export const hasOneValue = (columns: ReadonlyArray<Pick<LabelColumn, "values">>): boolean =>
  columns.length === 1 && columns[0]?.values === "one"

/** How many classes there are, for people: "14 classes", or of several columns `14 classes of "type", 9 of "colour"`. */
export const classesText = (columns: ReadonlyArray<LabelColumn>): string => {
  const counted = ({ classes }: LabelColumn) => classes.length.toLocaleString("en-US")
  return columns
    .map((column, index) => {
      const noun = index > 0 ? "" : column.classes.length === 1 ? " class" : " classes"
      return `${counted(column)}${noun}${columns.length === 1 ? "" : ` of ${JSON.stringify(column.name)}`}`
    })
    .join(", ")
}

/** A column with its place among the logits of all columns: from `from` up to, and without, `to`. */
export interface PlacedColumn extends LabelColumn {
  readonly index: number
  readonly from: number
  readonly to: number
}

/** The columns, each with the place of its logits; the logits of one sample are those of all columns, one after the other. */
export const placedColumns = (columns: ReadonlyArray<LabelColumn>): ReadonlyArray<PlacedColumn> => {
  let from = 0
  return columns.map((column, index) => ({ ...column, index, from, to: (from += column.classes.length) }))
}

/**
 * What is known of a sample in one label column: the indexes of its classes, in ascending order; undefined where the
 * cell is empty or its value was left out, so that the column counts in no loss and no metric of this sample. In a
 * column with one value it is one index; in a column with several it may be empty, which means that none applies.
 */
export type KnownClasses = ReadonlyArray<number> | undefined

/** A class beside the label of a sample, in a column with one value: a target that is softened lies on both. */
export interface SecondClass {
  /** Its index. */
  readonly label: number
  /** Its share of the target, from 0 to 1; the label has the rest. */
  readonly share: number
}

/** The labels of a batch in one label column. */
export type ColumnLabels =
  | {
      readonly values: "one"
      /** One class index for each image; -1 where it is not known. */
      readonly labels: Int32Array
    }
  | {
      readonly values: "several"
      /** (size, classes), row by row: 1 where the class applies. */
      readonly labels: Uint8Array
      /** One for each image: 1 where the row of `labels` counts, 0 where it is not known. */
      readonly known: Uint8Array
    }

/** The labels of a column as a batch has them; `known` are those of its samples, in the batch's order. */
export const columnLabels = (
  { classes, values }: Pick<LabelColumn, "classes" | "values">,
  known: ReadonlyArray<KnownClasses>
): ColumnLabels => {
  if (values === "one") return { values, labels: Int32Array.from(known, (indexes) => indexes?.[0] ?? -1) }
  const labels = new Uint8Array(known.length * classes.length)
  for (const [row, indexes] of known.entries())
    for (const index of indexes ?? []) labels[row * classes.length + index] = 1
  return { values, labels, known: Uint8Array.from(known, (indexes) => (indexes === undefined ? 0 : 1)) }
}

/** The logits of one column (samples, its classes), out of those of all columns (samples, all classes). */
export const logitsOfColumn = (
  logits: Float32Array,
  columns: ReadonlyArray<LabelColumn>,
  index: number
): Float32Array => {
  if (columns.length === 1) return logits
  const placed = placedColumns(columns)
  const { from, to } = elementAt(placed, index)
  const width = elementAt(placed, placed.length - 1).to
  const samples = logits.length / width
  const own = new Float32Array(samples * (to - from))
  for (let row = 0; row < samples; row++)
    own.set(logits.subarray(row * width + from, row * width + to), row * (to - from))
  return own
}
