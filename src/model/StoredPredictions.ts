import { Effect, Result, Schema } from "effect"
import type { Predictions } from "../metrics/calibration.ts"
import type { MultilabelPredictions } from "../metrics/multilabel.ts"
import { elementAt } from "../pipeline/elementAt.ts"
import type { ColumnLabels, PlacedColumn } from "../pipeline/LabelColumn.ts"
import { columnLabels, LabelColumn, logitsOfColumn, placedColumns } from "../pipeline/LabelColumn.ts"
import { decode, encode } from "./safetensors.ts"

/** A sample that was predicted. */
const StoredSample = Schema.Struct({
  id: Schema.String,
  /** The image file, relative to the catalogue's folder. */
  file: Schema.String,
  /** SHA-256 of its bytes when it was predicted, in hex. */
  digest: Schema.String,
  /** Index of its true class, in the first label column; -1 where it is not known, and where that column has several values. */
  label: Schema.Int.check(Schema.isGreaterThanOrEqualTo(-1)),
  /** Its true classes in each of the label columns, null where they are not known; absent in a run of one column with one value. */
  labels: Schema.optionalKey(Schema.Array(Schema.NullOr(Schema.Array(Schema.Natural))))
})
export type StoredSample = typeof StoredSample.Type

const Metadata = Schema.Struct({
  part: Schema.Literals(["train", "validation", "test"]),
  /** The names of the first label column's classes, in the order of the logits. */
  labels: Schema.Array(Schema.String),
  /** The label columns, in the order of the logits; absent in a run of one column with one value. */
  columns: Schema.optionalKey(Schema.NonEmptyArray(LabelColumn)),
  /** In the order of the logits' rows. */
  samples: Schema.Array(StoredSample)
})
const MetadataText = Schema.fromJsonString(Metadata)

/** The predictions of a run's model for a part of its catalogue, as in `predictions/PART.safetensors`. */
export interface StoredPredictions extends Schema.Schema.Type<typeof Metadata> {
  /** (samples, classes of all columns), row by row: after test-time augmentation, before any temperature. */
  readonly logits: Float32Array
}

/** A file's predictions cannot be used: which file, and why. */
export class PredictionsError extends Schema.TaggedError<PredictionsError>()("PredictionsError", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.file} holds no predictions that can be used: ${this.detail}`
  }
}

type Labelled = Pick<StoredPredictions, "columns" | "labels">

/** The label columns of some predictions, one at least. The only column of a run may be without a name: "label". */
export const columnsOf = ({ columns, labels }: Labelled): ReadonlyArray<PlacedColumn> =>
  placedColumns(columns ?? [{ name: "label", classes: labels, values: "one" }])

/** How many logits a sample has: those of all columns. */
const widthOf = (stored: Labelled): number => columnsOf(stored).reduce((sum, { classes }) => sum + classes.length, 0)

/** The predictions as one safetensors file: the tensor `logits`, and the rest as JSON in the metadata, under `weft`. */
export const encodePredictions = (stored: StoredPredictions): Uint8Array<ArrayBuffer> => {
  const { columns, labels, logits, part, samples } = stored
  return encode(new Map([["logits", { shape: [samples.length, widthOf(stored)], data: logits }]]), {
    weft: Schema.encodeSync(MetadataText)({ part, labels, ...(columns && { columns }), samples })
  })
}

/** What is wrong with a sample's labels, if anything. */
const labelsFault = ({ columns, labels }: Labelled, sample: StoredSample): string | undefined => {
  const stray = (label: number, count: number) =>
    `the sample ${sample.id} has the class ${label}, and there are ${count}`
  if (columns === undefined)
    return sample.label < 0 || sample.label >= labels.length ? stray(sample.label, labels.length) : undefined
  if (sample.labels?.length !== columns.length)
    return `the sample ${sample.id} has the labels of ${sample.labels?.length ?? 0} columns, and there are ${columns.length}`
  for (const [k, { classes, values }] of columns.entries()) {
    const own = sample.labels[k] ?? []
    const beyond = own.find((label) => label >= classes.length)
    if (beyond !== undefined) return stray(beyond, classes.length)
    if (values === "one" && sample.labels[k] !== null && own.length !== 1)
      return `the sample ${sample.id} has ${own.length} classes in a column with one value`
  }
  return undefined
}

/** The predictions of a file's bytes; every row belongs to a sample, and every sample's labels are classes. */
export const decodePredictions = Effect.fnUntraced(function* (bytes: Uint8Array, file: string) {
  const fail = (detail: string) => new PredictionsError({ file, detail })
  const { metadata, tensors } = yield* Effect.fromResult(Result.mapError(decode(bytes), (error) => fail(error.detail)))
  const rest = yield* Schema.decodeEffect(MetadataText)(metadata["weft"] ?? "{}").pipe(
    Effect.mapError((error) => fail(`its metadata lacks the part, the labels or the samples: ${error.message}`))
  )
  const logits = tensors.get("logits")
  const expected = [rest.samples.length, widthOf(rest)].join(" x ")
  if (logits?.shape.join(" x ") !== expected)
    return yield* fail(`its logits are ${logits?.shape.join(" x ") ?? "missing"}, and should be ${expected}`)
  for (const sample of rest.samples) {
    const fault = labelsFault(rest, sample)
    if (fault !== undefined) return yield* fail(fault)
  }
  return { ...rest, logits: logits.data } satisfies StoredPredictions
})

/** Which of the rows (rows, width) are kept. */
const rowsWhere = (logits: Float32Array, width: number, isKept: (row: number) => boolean): Float32Array =>
  logits.filter((_, at) => isKept(Math.floor(at / width)))

/**
 * One of the label columns alone, as the predictions of a run with that column: the samples whose label is known, their
 * own logits and labels. Of a column with several values, `columns` is that column.
 */
export const columnOf = (stored: StoredPredictions, index: number): StoredPredictions => {
  const { columns, logits, part, samples } = stored
  if (columns === undefined) return stored
  const { classes, values, ...column } = elementAt(columns, index)
  const isKnown = samples.map(({ labels }) => (labels?.[index] ?? null) !== null)
  return {
    part,
    labels: classes,
    ...(values === "several" && { columns: [{ ...column, classes, values }] }),
    samples: samples.flatMap(({ digest, file, id, labels }, row) => {
      const own = labels?.[index]
      if (!isKnown[row] || !own) return []
      return [{ id, file, digest, ...(values === "one" ? { label: own[0] ?? -1 } : { label: -1, labels: [own] }) }]
    }),
    logits: rowsWhere(logitsOfColumn(logits, columns, index), classes.length, (row) => isKnown[row] === true)
  }
}

/** The true labels of all samples in one of the label columns. */
export const labelsOfColumn = (stored: StoredPredictions, index: number): ColumnLabels => {
  const column = elementAt(columnsOf(stored), index)
  return columnLabels(
    column,
    stored.samples.map(({ label, labels }) => (labels === undefined ? [label] : (labels[index] ?? undefined)))
  )
}

/**
 * The bare numbers of a column with one value, for metrics: of the first one where there are several columns. Throws a
 * RangeError where that column has several values: see `multilabelOf`.
 */
export const numbersOf = (stored: StoredPredictions): Predictions => {
  const { columns, labels, logits, samples } = columnOf(stored, 0)
  if (columns !== undefined) throw new RangeError(`the column ${columns[0].name} has several values, not one`)
  return { classes: labels.length, logits, labels: Int32Array.from(samples, ({ label }) => label) }
}

/** The bare numbers of a column with several values, for metrics: of the known samples of the first column. */
export const multilabelOf = (stored: StoredPredictions): MultilabelPredictions => {
  const only = columnOf(stored, 0)
  const found = labelsOfColumn(only, 0)
  if (found.values === "one") throw new RangeError("the column has one value, not several")
  return { values: "several", classes: only.labels.length, logits: only.logits, labels: found.labels }
}
