import type { SecondClass } from "../../pipeline/LabelColumn.ts"
import type { LabelColumn } from "../../pipeline/LabelColumn.ts"
import { hasOneValue } from "../../pipeline/LabelColumn.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import type { LabelNoise } from "./LabelNoise.ts"

/** What becomes of a sample's label in one column: it gets a second class, or counts no more. */
type Treatment = SecondClass | "left out"

/** A sample with its treatments, by column; undefined where nothing is left to train on. */
const treatedSample = (
  sample: Sample,
  treatments: ReadonlyArray<Treatment | undefined>,
  isOne: boolean
): Sample | undefined => {
  const isLeftOut = treatments.map((one) => one === "left out")
  if (isOne && isLeftOut[0] === true) return undefined
  const softened = treatments.map((one) => (one === "left out" ? undefined : one))
  const labels = sample.labels?.map((known, column) => (isLeftOut[column] === true ? undefined : known))
  if (labels?.every((known) => known === undefined) === true) return undefined
  return {
    // `label` stays in a run of several columns: `train.sampling` draws by it, and losses are of `labels`.
    ...sample,
    ...(labels !== undefined && { labels }),
    ...(softened.some((one) => one !== undefined) && { softened })
  }
}

/**
 * The samples as they are trained on. A label that is left out counts in no loss of its column; a sample without any other
 * label is left out. A softened one has a second class. All other samples are the very same.
 */
export const treated = (
  samples: ReadonlyArray<Sample>,
  columns: ReadonlyArray<LabelColumn>,
  { predictedShare, rows }: Pick<LabelNoise, "predictedShare" | "rows">
): ReadonlyArray<Sample> => {
  const places = columns.map(({ classes }) => new Map(classes.map((label, index) => [label, index])))
  const byId = new Map<string, Array<Treatment | undefined>>()
  for (const { column, id, predicted, treatment } of rows) {
    const at = columns.findIndex(({ name }) => name === column)
    const label = places[at]?.get(predicted)
    if (label === undefined) continue
    const own = byId.get(id) ?? columns.map(() => undefined)
    own[at] = treatment === "left out" ? treatment : { label, share: predictedShare }
    byId.set(id, own)
  }
  const isOne = hasOneValue(columns)
  return samples.flatMap((sample) => {
    const treatments = byId.get(sample.id)
    return treatments === undefined ? [sample] : (treatedSample(sample, treatments, isOne) ?? [])
  })
}
