import { Schema } from "effect"
import type { Report } from "../../metrics/Report.ts"
import { LabelNoiseConfig } from "../../model/LabelNoiseConfig.ts"

/** A training row whose label in a column is likely wrong, by a classifier that has not seen the row. */
export const UnlikelyLabel = Schema.Struct({
  id: Schema.String,
  /** Relative to the catalogue's folder. */
  file: Schema.String,
  /** SHA-256 of its bytes, in hex. */
  digest: Schema.String,
  column: Schema.String,
  label: Schema.String,
  predicted: Schema.String,
  labelProbability: Schema.Finite,
  predictedProbability: Schema.Finite
})
export type UnlikelyLabel = typeof UnlikelyLabel.Type

/** One on a list for people: likely wrong, or only predicted as another class. */
export interface ListedLabel extends UnlikelyLabel {
  readonly isLikely: boolean
}

/** What was found in a label column. */
export const ColumnNoise = Schema.Struct({
  name: Schema.String,
  /** Training rows with a label. */
  rows: Schema.Natural,
  /** Those that were judged, and how many classes they have. */
  judged: Schema.Natural,
  classes: Schema.Natural,
  /** Classes with too few photos, or groups of photos, for the folds: their labels were not judged. */
  small: Schema.Array(Schema.String),
  /** The share of the judged rows that are predicted as they are labelled. */
  accuracy: Schema.Finite,
  /** Of the probabilities; see `calibratedLabelErrors`. */
  temperature: Schema.Finite,
  /** Likely label errors, treated or not. */
  found: Schema.Natural
})
export type ColumnNoise = typeof ColumnNoise.Type

/** A run's `label-noise.json`: the training labels that are not trained on as they are. */
export const LabelNoise = Schema.Struct({
  /** SHA-256 of what it was made for: settings, training rows and initial weights. */
  basis: Schema.String,
  ...LabelNoiseConfig.fields,
  columns: Schema.Array(ColumnNoise),
  /** The least probable label of each column first. */
  rows: Schema.Array(Schema.Struct({ ...UnlikelyLabel.fields, treatment: Schema.Literals(["softened", "left out"]) }))
})
export type LabelNoise = typeof LabelNoise.Type

export const LabelNoiseFile = Schema.fromJsonString(LabelNoise)

/** Text of `label-noise.json`. */
export const labelNoiseText = (noise: LabelNoise): string => `${JSON.stringify(noise, null, 2)}\n`

/** How many labels of each column were treated, as `report.json` has it. */
export const noiseCounts = ({ columns, rows, treat }: LabelNoise): NonNullable<Report["labelNoise"]> => ({
  treatment: treat === "soften" ? "softened" : "left out",
  columns: columns.map(({ found, name, rows: labels }) => ({
    name,
    labels,
    found,
    treated: rows.reduce((sum, { column }) => sum + (column === name ? 1 : 0), 0)
  }))
})
