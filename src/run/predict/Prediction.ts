import { Schema } from "effect"

/** The probability is NaN where the weights are. */
const Candidate = Schema.Struct({ label: Schema.String, probability: Schema.Number })

/** As `OneAnswer` and `SeveralAnswer` have it: the order of the fields is that of their JSON. */
const OneAnswer = {
  label: Schema.NullOr(Schema.String),
  abstained: Schema.Boolean,
  classes: Schema.Array(Candidate),
  parent: Schema.optionalKey(Schema.Struct({ column: Schema.String, ...Candidate.fields }))
}
const SeveralAnswer = Schema.Struct({ labels: Schema.Array(Schema.String), classes: Schema.Array(Candidate) })

const Two = Schema.Tuple([Schema.String, Schema.String])

/** The answers of a model with several label columns, or with one that has several values, by the columns' names. */
const ColumnsAnswer = {
  columns: Schema.Record(Schema.String, Schema.Union([SeveralAnswer, Schema.Struct(OneAnswer)])),
  /** Values that never occurred together in training: one of each two is probably wrong. */
  unseenPairs: Schema.Array(Schema.Struct({ columns: Two, values: Two }))
}

const path = { path: Schema.String }

/** The prediction for one file, of one model or of several together; `error` where the file could not be read. */
export const Prediction = Schema.Union([
  Schema.Struct({ ...path, error: Schema.String, reason: Schema.String }),
  Schema.Struct({ ...path, ...ColumnsAnswer }),
  Schema.Struct({ ...path, ...OneAnswer })
])
export type Prediction = typeof Prediction.Type
