import type { Dataset } from "../src/pipeline/Dataset.ts"
import { makeLosses } from "../src/pipeline/Losses.ts"
import type { Sample } from "../src/pipeline/Sample.ts"

/** A dataset of these samples, all of which were kept; its classes are named after their numbers. */
export const datasetOf = (parts: Partial<Pick<Dataset, "train" | "validation" | "test">>): Dataset => {
  const { test = [], train = [], validation = [] } = parts
  const all: ReadonlyArray<Sample> = [...train, ...validation, ...test]
  const classes = Array.from({ length: Math.max(0, ...all.map(({ label }) => label + 1)) }, (_, i) => `class ${i}`)
  return {
    root: "shop",
    classes,
    columns: [{ name: "label", classes, values: "one" }],
    train,
    validation,
    test,
    ledger: { listed: all.length, kept: all.length, refusals: [], overLimit: 0 },
    digest: ""
  }
}

/** Where samples that leave are counted; up to all of them, unless another budget is given. */
export const lossesOf = (parts: Parameters<typeof datasetOf>[0], maxRefused = 1) =>
  makeLosses(datasetOf(parts), { csv: "styles.csv", maxRefused })
