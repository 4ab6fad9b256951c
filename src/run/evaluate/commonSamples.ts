import { elementAt } from "../../pipeline/elementAt.ts"
import { Array, Effect } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { Dataset } from "../../pipeline/Dataset.ts"
import { modelColumns } from "../../model/Model.ts"
import type { LabelColumn } from "../../pipeline/LabelColumn.ts"
import { hasOneValue } from "../../pipeline/LabelColumn.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import { makeLosses } from "../../pipeline/Losses.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { forMeasuring, readBegunData } from "../train/begunData.ts"
import { canonical } from "../../pipeline/canonical.ts"
import type { Ensemble, EnsembleMember } from "./readEnsemble.ts"
import { RunError } from "../RunError.ts"
import { sameSamples } from "./sameSamples.ts"
import { storedPredictions } from "../predict/storedPredictions.ts"
import type { StoredPart } from "../predict/storedPredictions.ts"

/** The parts of a split. */
export type Part = "train" | "validation" | "test"

/** The settings that decide the samples of a part: runs with the same ones need to read the catalogue only once. */
const catalogueOf = ({ data, image, seed }: RunConfig) => canonical({ data, image, seed: data.split.seed ?? seed })

/** The classes of all label columns; with several columns, each by its column's name too. */
const allClasses = (columns: ReadonlyArray<LabelColumn>): ReadonlyArray<string> =>
  columns.flatMap(({ classes, name }) =>
    columns.length === 1 ? classes : classes.map((label) => `${label} (${name})`)
  )

const sameCatalogue = (run: string, known: ReadonlyArray<LabelColumn>, { columns }: Dataset) => {
  const [labels, classes] = [allClasses(known), allClasses(columns)]
  const missing = labels.filter((label) => !classes.includes(label))
  const added = classes.filter((label) => !labels.includes(label))
  return missing.length + added.length === 0
    ? Effect.void
    : new RunError({
        run,
        detail:
          "the catalogue no longer has the classes that this model was trained on" +
          (missing.length > 0 ? `; gone: ${missing.join(", ")}` : "") +
          (added.length > 0 ? `; new: ${added.join(", ")}` : "")
      })
}

/**
 * Fails where the members' part differed when they were trained, as far as they have recorded it: the catalogue, and
 * with it the split, may have changed between their trainings.
 */
const sameAtTraining = Effect.fnUntraced(function* (
  [first, ...others]: NonEmptyReadonlyArray<EnsembleMember>,
  part: StoredPart
) {
  const what = `${part} part at training`
  for (const other of others) {
    const one = yield* storedPredictions(first, part)
    const two = yield* storedPredictions(other, part)
    if (one !== undefined && two !== undefined) yield* sameSamples({ ...one, what }, { ...two, what })
  }
})

/** Samples of a dataset with its columns; their labels become indexes into the classes of other columns of the same names. */
const inOrder = (
  columns: ReadonlyArray<LabelColumn>,
  own: ReadonlyArray<LabelColumn>,
  samples: ReadonlyArray<Sample>
): ReadonlyArray<Sample> => {
  const isAlone = own.length === 1
  const from = columns.map(({ classes, name }) => {
    const index = isAlone ? 0 : own.findIndex((column) => column.name === name)
    return { index, to: elementAt(own, index).classes.map((label) => classes.indexOf(label)) }
  })
  const [first] = from
  return samples.map(({ label, labels, ...sample }) => {
    const all = labels && from.map(({ index, to }) => labels[index]?.map((c) => elementAt(to, c)).sort((a, b) => a - b))
    const known = labels === undefined ? [label] : labels[first?.index ?? 0]
    const isOne = columns[0]?.values === "one"
    const [single = -1] = isOne ? (known ?? []) : []
    return { ...sample, label: single < 0 ? -1 : elementAt(first?.to ?? [], single), ...(all && { labels: all }) }
  })
}

/**
 * The samples of a part of the catalogue, which must be the same for every member; their labels are indexes into the
 * classes of the ensemble's columns. Each member gets the digest of its whole dataset; `losses` counts samples that are gone since.
 *
 * Fails where the catalogue no longer has the models' classes, and names those that are new or gone.
 */
export const commonSamples = Effect.fn("commonSamples")(function* <Member extends EnsembleMember>(
  columns: Ensemble["columns"],
  members: NonEmptyReadonlyArray<Member>,
  part: Part
) {
  if (part !== "train") yield* sameAtTraining(members, part)
  const read = new Map<string, Dataset>()
  const listed = yield* Effect.forEach(
    members,
    Effect.fnUntraced(function* (member) {
      const { config, model, run } = member
      const catalogue = catalogueOf(config)
      const begun = yield* readBegunData(member.folder, config)
      const dataset = read.get(catalogue) ?? (yield* Pipeline.dataset(config, begun && forMeasuring(begun)))
      read.set(catalogue, dataset)
      yield* sameCatalogue(run, modelColumns(model), dataset)
      const { classes, columns } = dataset
      return {
        member,
        dataset,
        run,
        config,
        what: `${part} part`,
        labels: classes,
        ...(!hasOneValue(columns) && { columns }),
        samples: dataset[part]
      }
    })
  )
  const [first, ...others] = listed
  for (const other of others) yield* sameSamples(first, other)
  return {
    samples: inOrder(columns, first.dataset.columns, first.samples),
    members: Array.map(listed, ({ dataset, member }) => ({ ...member, dataDigest: dataset.digest })),
    losses: makeLosses(first.dataset, first.config.data)
  }
})
