import { formOf, unitOf } from "../../pipeline/catalogueForm.ts"
import { Effect } from "effect"
import { Images } from "../../pipeline/Images.ts"
import type { ImageFacts } from "../../pipeline/Images.ts"
import type { Refusal } from "../../pipeline/Ledger.ts"
import { byCause, countByReason, isFault, ledgerCounts, rowsText, sumText } from "../../pipeline/Ledger.ts"
import { hasOneValue } from "../../pipeline/LabelColumn.ts"
import { columnCounts } from "../train/classCounts.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"

const tally = <A>(items: Iterable<A>, keyOf: (item: A) => string) => {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1)
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
}

const examplesPerReason = 3

/** Rows by reason, with the first causes of each: an example, and how many rows have it. */
const byReason = (refusals: ReadonlyArray<Refusal>, unit: string) =>
  Object.entries(countByReason(refusals)).map(([reason, count]) => ({
    reason,
    count,
    examples: byCause(refusals.filter((refusal) => refusal.reason === reason))
      .slice(0, examplesPerReason)
      .map((cause) => ({ ...cause.rows[0], rows: cause.rows.length, where: rowsText(cause, unit) }))
  }))

/** A catalogue as a run would see it: classes, parts, sizes of the images, rows that are refused or left out. */
export const inspectData = Effect.fn("inspectData")(function* (config: Pipeline.PipelineConfig) {
  const images = yield* Images
  const facts: Array<ImageFacts> = []
  // The images are checked for the dataset anyway; their facts are collected there.
  const noting = Images.of({
    ...images,
    check: (path, image, expected) =>
      Effect.tap(images.check(path, image, expected), (found) => Effect.sync(() => facts.push(found)))
  })
  const dataset = yield* Pipeline.dataset(config).pipe(Effect.provideService(Images, noting))
  const { classes, leakage, ledger, test, train, validation } = dataset
  const unit = unitOf[formOf(config.data)]
  const countIn = (part: ReadonlyArray<{ readonly label: number }>, index: number) =>
    part.reduce((n, { label }) => n + (label === index ? 1 : 0), 0)
  return {
    listed: ledger.listed,
    kept: ledger.kept,
    refused: byReason(
      ledger.refusals.filter(({ reason }) => isFault(reason)),
      unit
    ),
    leftOut: [
      ...byReason(
        ledger.refusals.filter(({ reason }) => !isFault(reason)),
        unit
      ),
      ...(ledger.overLimit > 0 ? [{ reason: "overLimit", count: ledger.overLimit, examples: [] }] : [])
    ],
    sum: sumText(ledgerCounts(ledger)),
    classes: classes
      .map((label, index) => ({
        label,
        train: countIn(train, index),
        validation: countIn(validation, index),
        test: countIn(test, index)
      }))
      .sort((a, b) => b.train - a.train || (a.label < b.label ? -1 : 1)),
    classesLeftOut: tally(
      ledger.refusals.filter(({ label, reason }) => reason === "classTooSmall" && label !== undefined),
      ({ label }) => label ?? ""
    ).map(([label, count]) => ({ label, count })),
    ...(!hasOneValue(dataset.columns) && { columns: columnCounts(dataset) }),
    split: { train: train.length, validation: validation.length, test: test.length },
    images: {
      sizes: tally(facts, ({ height, width }) => `${width}x${height}`).map(([size, count]) => ({ size, count })),
      formats: tally(
        facts,
        ({ channels, format }) => `${format}, ${channels === 1 ? "grey" : `${channels} channels`}`
      ).map(([format, count]) => ({ format, count }))
    },
    ...(leakage !== undefined && { leakage }),
    digest: dataset.digest
  }
})
export type Inspection = Effect.Success<ReturnType<typeof inspectData>>
