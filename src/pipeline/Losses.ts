import { Effect, Schema } from "effect"
import type { Missed } from "./Batch.ts"
import type { CatalogueKeys } from "./catalogueForm.ts"
import { formOf, unitOf } from "./catalogueForm.ts"
import type { DataConfig } from "./DataConfig.ts"
import type { Dataset } from "./Dataset.ts"
import { count, DataUnusable, isBudgetSpent, tooManyRefused } from "./DataUnusable.ts"
import type { ImageRefused } from "./Images.ts"
import { ImageFault } from "./Images.ts"
import type { Ledger, Refusal } from "./Ledger.ts"
import { labelTexts } from "./labelTexts.ts"
import { countFaults, reasonWords } from "./Ledger.ts"
import { refuseMasked } from "./maskLabels.ts"
import type { LabelColumn } from "./LabelColumn.ts"
import { Part } from "./Part.ts"
import { catalogueFile } from "./Rows.ts"
import type { Sample } from "./Sample.ts"
import { report } from "./Progress.ts"

export const partNames = Part.literals

/** A sample that has left a run: why and when. */
export const Lost = Schema.Struct({
  id: Schema.String,
  reason: ImageFault,
  detail: Schema.String,
  /** From 1; the last epoch, for one that was missed when the trained network was measured. */
  epoch: Schema.Natural
})
export type Lost = typeof Lost.Type

/** A sample that was missed because of its image. */
export const missed = (id: string, error: ImageRefused): Missed => ({
  id,
  reason: error.reason,
  detail: error.message
})

/** `lost`, and the samples of `found` that are new: they leave in `epoch` (from 1). */
export const withMissed = (
  lost: ReadonlyArray<Lost>,
  found: ReadonlyArray<Missed>,
  epoch: number
): ReadonlyArray<Lost> => {
  const known = new Set(lost.map(({ id }) => id))
  const fresh = found.filter(({ id }) => !known.has(id))
  return fresh.length === 0 ? lost : [...lost, ...fresh.map((one) => ({ ...one, epoch }))]
}

/**
 * The samples that leave a run, from any part. A sample that has left does not return, even if its file does: its batch
 * is made without it, and no other batch changes.
 */
export interface Losses {
  /** The label columns of the samples. */
  readonly columns: ReadonlyArray<LabelColumn>
  /** Why a sample has left, if it has. */
  readonly of: (id: string) => Missed | undefined
  /** Removes samples that the run has lost before. */
  readonly restore: (lost: ReadonlyArray<Missed>) => void
  /** Removes samples. Fails where more rows are faulty than `data.maxRefused` allows, or no training sample is left. */
  readonly add: (found: ReadonlyArray<Missed>) => Effect.Effect<void, DataUnusable>
  /** The dataset's ledger with all that has left, each with the part that it was of. */
  readonly ledger: () => Ledger
  /** Faulty rows of the catalogue, those of the check included. */
  readonly faults: () => number
}

/** Those of some samples that have left, each once. */
export const lostOf = (
  samples: ReadonlyArray<{ readonly id: string }>,
  losses: Pick<Losses, "of">
): ReadonlyArray<Missed> => [...new Set(samples.map(({ id }) => id))].flatMap((id) => losses.of(id) ?? [])

const shown = 3

/** All samples of a dataset, with the part that each is of. */
const samplesOf = (dataset: Dataset): ReadonlyArray<readonly [Sample, Part]> =>
  partNames.flatMap((part) => dataset[part].map((sample) => [sample, part] as const))

const refusalOf = (dataset: Dataset, sample: Sample, { detail, reason }: Missed, left: Partial<Refusal>): Refusal => ({
  ...refuseMasked(
    {
      line: sample.line,
      id: sample.id,
      ...labelTexts(dataset.columns, sample),
      ...(sample.leftOut !== undefined && { leftOut: sample.leftOut })
    },
    reason,
    detail
  ),
  ...left
})

/** A ledger in which these rows are no longer kept. */
const withRefusals = (ledger: Ledger, refusals: ReadonlyArray<Refusal>): Ledger => ({
  ...ledger,
  kept: ledger.kept - refusals.length,
  refusals: [...ledger.refusals, ...refusals].toSorted((a, b) => a.line - b.line)
})

/** Nothing is lost yet. */
export const makeLosses = (dataset: Dataset, data: CatalogueKeys & Pick<DataConfig, "maxRefused">): Losses => {
  const lost = new Map<string, Missed>()
  const { listed, refusals } = dataset.ledger
  const before = countFaults(refusals)
  /** Made when the first sample leaves: mostly none does. */
  let known: ReadonlyMap<string, readonly [Sample, Part]> | undefined
  const find = (id: string) =>
    (known ??= new Map(samplesOf(dataset).map((entry) => [entry[0].id, entry] as const))).get(id)
  const left = { train: dataset.train.length, validation: dataset.validation.length, test: dataset.test.length }
  const take = (found: ReadonlyArray<Missed>) =>
    found.flatMap((one) => {
      const entry = lost.has(one.id) ? undefined : find(one.id)
      if (entry === undefined) return []
      lost.set(one.id, one)
      left[entry[1]]--
      return [one]
    })
  const file = catalogueFile(dataset.root, data)
  const ledger = () => {
    const gone = [...lost.values()].flatMap((one) => {
      const entry = find(one.id)
      return entry === undefined ? [] : [refusalOf(dataset, entry[0], one, { part: entry[1] })]
    })
    return withRefusals(dataset.ledger, gone)
  }
  return {
    columns: dataset.columns,
    ledger,
    of: (id) => lost.get(id),
    restore: (all) => void take(all),
    faults: () => before + lost.size,
    add: Effect.fn("Losses.add")(function* (found: ReadonlyArray<Missed>) {
      const fresh = take(found)
      if (fresh.length === 0) return
      if (isBudgetSpent(listed, before + lost.size, data.maxRefused)) {
        const { cure: _, ...error } = tooManyRefused(
          file,
          listed,
          ledger().refusals,
          data.maxRefused,
          unitOf[formOf(data)]
        )
        return yield* new DataUnusable({
          ...error,
          cure: "Put the images back; a training then goes on with --resume."
        })
      }
      if (left.train === 0)
        return yield* new DataUnusable({
          reason: "tooManyRefused",
          detail: `${file}: none of the ${count(dataset.train.length)} training images can be read any more`,
          cure: "Put the images back, or begin a run on those that are there."
        })
      const examples = fresh
        .slice(0, shown)
        .map(({ detail, id, reason }) => `${id} (${reasonWords(reason)}, ${detail})`)
      yield* report({
        _tag: "Note",
        line:
          `${count(fresh.length)} ${fresh.length === 1 ? "sample has" : "samples have"} left the run, ` +
          `${fresh.length === 1 ? "its image is" : "their images are"} no longer what was checked: ` +
          examples.join("; ") +
          (fresh.length > shown ? "; …" : "")
      })
    })
  }
}

/**
 * A dataset without the samples that a run has lost, each of which is in the ledger, with the epoch in which it left.
 * Classes, labels and digest are those of the dataset that the run began with.
 */
export const withoutLost = (dataset: Dataset, lost: ReadonlyArray<Lost>): Dataset => {
  if (lost.length === 0) return dataset
  const gone = new Map(lost.map((one) => [one.id, one]))
  const refusals = samplesOf(dataset).flatMap(([sample, part]) => {
    const one = gone.get(sample.id)
    return one === undefined ? [] : [refusalOf(dataset, sample, one, { part, epoch: one.epoch })]
  })
  const there = (part: Part) => dataset[part].filter(({ id }) => !gone.has(id))
  return {
    ...dataset,
    train: there("train"),
    validation: there("validation"),
    test: there("test"),
    ledger: withRefusals(dataset.ledger, refusals)
  }
}
