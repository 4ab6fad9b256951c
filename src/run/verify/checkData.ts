import { Effect } from "effect"
import type { Report } from "../../metrics/Report.ts"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import type { LabelColumn } from "../../pipeline/LabelColumn.ts"
import type { RefusalLines } from "../../pipeline/Ledger.ts"
import { RefusalLines as Lines } from "../../pipeline/Ledger.ts"
import { imageFrom } from "../../pipeline/Rows.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import { Schema } from "effect"
import { textOf } from "./checkFiles.ts"
import type { Check } from "./Check.ts"
import { checkOf, compare, differences } from "./Check.ts"

/** A part of the catalogue as stored predictions have it. */
const listing = (dataset: Dataset, samples: ReadonlyArray<Sample>) =>
  new Map(
    samples.map(({ digest, id, label, labels, path }) => [
      id,
      {
        file: imageFrom(dataset.root, path),
        digest,
        label: dataset.classes[label],
        ...(labels && { columns: namesOf(dataset.columns, labels) })
      }
    ])
  )

/** The names of a sample's classes, by column; null where they are not known. */
const namesOf = (
  columns: ReadonlyArray<LabelColumn>,
  labels: ReadonlyArray<ReadonlyArray<number> | null | undefined>
): Readonly<Record<string, ReadonlyArray<string | undefined> | null>> =>
  Object.fromEntries(columns.map(({ classes, name }, k) => [name, labels[k]?.map((c) => classes[c]) ?? null] as const))

/** The samples of a part that have changed: files, their bytes, their classes. */
const checkSamples = (dataset: Dataset, stored: StoredPredictions): Check => {
  const { columns, labels, part, samples } = stored
  const now = listing(dataset, dataset[part])
  const before = new Map(
    samples.map(({ digest, file, id, label, labels: own }) => [
      id,
      { file, digest, label: labels[label], ...(columns && own && { columns: namesOf(columns, own) }) }
    ])
  )
  const ids = [...new Set([...before.keys(), ...now.keys()])]
  return checkOf(
    `${part} samples`,
    `files, SHA-256 and classes of the ${samples.length} samples that were predicted`,
    ids.flatMap((id) => differences(before.get(id), now.get(id), 0, id))
  )
}

/** Compares the catalogue as it is now with the run's record. */
export const checkData = Effect.fn("verify.data")(function* (
  report: Report,
  dataset: Dataset,
  stored: ReadonlyArray<StoredPredictions>
) {
  const { data, receipt } = report
  const { classes, ledger, test, train, validation } = dataset
  const lines = yield* Effect.orDie(Schema.encodeEffect(Lines)(ledger.refusals))
  const kept = yield* Effect.orElseSucceed(textOf("ledger.jsonl"), () => "")
  const split = (text: typeof RefusalLines.Encoded) => text.split("\n").slice(0, -1)
  return [
    compare("data", "digest of ids, labels and image bytes", receipt.dataDigest, dataset.digest),
    compare(
      "split",
      "sizes of the parts, and number of classes",
      { train: data.train, validation: data.validation, test: data.test, classes: data.classes },
      { train: train.length, validation: validation.length, test: test.length, classes: classes.length }
    ),
    compare("ledger lines", "every refused row with its reason, in ledger.jsonl and now", split(kept), split(lines)),
    ...stored.map((part) => checkSamples(dataset, part))
  ]
})
