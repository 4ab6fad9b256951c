import { elementAt } from "./elementAt.ts"
import { Effect, Result, Stream } from "effect"
import { report } from "./Progress.ts"
import { sha256 } from "./sha256.ts"
import type { CheckedRow, Known } from "./checkImages.ts"
import { checkImages } from "./checkImages.ts"
import { formOf, unitOf } from "./catalogueForm.ts"
import type { DataConfig, SplitBy, SplitConfig } from "./DataConfig.ts"
import { checkBudget, count, DataUnusable } from "./DataUnusable.ts"
import { countLabels, dropDuplicates, keepLabels, keepLargeClasses, mergeRareClasses } from "./filter.ts"
import { byCodePoint, byCodeUnit } from "./hashOrder.ts"
import type { ImageConfig } from "./ImageConfig.ts"
import type { Ledger, Refusal } from "./Ledger.ts"
import { countByReason, reasonsText } from "./Ledger.ts"
import { leastPerClass, limitRows } from "./limit.ts"
import type { Leakage, PlacedRow } from "./leakage.ts"
import { leakageOf, rowsAlike } from "./leakage.ts"
import { Part } from "./Part.ts"
import type { LoaderConfig } from "./LoaderConfig.ts"
import type { Row } from "./Row.ts"
import { catalogueFile, imageFolders, Rows } from "./Rows.ts"
import type { Sample } from "./Sample.ts"
import type { Placed } from "./splitAsGiven.ts"
import { splitAsGiven } from "./splitAsGiven.ts"
import { asListed } from "./asListed.ts"
import { settleConflicts } from "./conflicts.ts"
import { fewGroupsNote } from "./fewGroups.ts"
import { groupNames } from "./grouping.ts"
import type { Division, Parts } from "./split.ts"
import { similarLabelsNote } from "./similarLabels.ts"
import { split } from "./split.ts"
import { splitByTime, withOneKindOfTime } from "./splitByTime.ts"
import type { Time } from "./Time.ts"

/** A run's samples in their three parts, and the ledger of all rows. */
export interface Dataset extends Parts<Sample> {
  /** The folder that the list and the images are under. */
  readonly root: string
  /** The classes' names, by code point; a sample's label is an index into them. */
  readonly classes: ReadonlyArray<string>
  readonly ledger: Ledger
  /** SHA-256 over id, label and image bytes of all kept samples, in hex; independent of their order in the list. */
  readonly digest: string
  /** What the parts share, and which labels contradict each other; absent where it was known how the rows were divided. */
  readonly leakage?: Leakage
}

/** All rows of the catalogue, and the lines that are not rows. */
const readRows = Effect.fn("Dataset.readRows")(function* (root: string, data: DataConfig) {
  const source = yield* Rows
  const rows: Array<Row> = []
  const refusals: Array<Refusal> = []
  yield* source.read(root, data).pipe(
    Stream.runForEachArray((listed) => {
      for (const one of listed)
        if (Result.isSuccess(one)) rows.push(one.success)
        else refusals.push(one.failure)
      return report({ _tag: "Listing", rows: rows.length + refusals.length })
    })
  )
  return { rows, refusals, listed: rows.length + refusals.length }
})

/** One JSON line for each sample, `["id","label","SHA-256 of the image"]`, by id; the digest is the text's SHA-256. */
const listingOf = (rows: ReadonlyArray<Pick<CheckedRow, "id" | "label" | "digest">>): string =>
  rows
    .toSorted((a, b) => byCodeUnit(a.id, b.id))
    .map(({ digest, id, label }) => `${JSON.stringify([id, label, digest])}\n`)
    .join("")

/** All samples of a dataset as text, of which `digest` is the SHA-256: id, label and the image's SHA-256, a line each. */
export const listing = ({ classes, test, train, validation }: Dataset): string =>
  listingOf(
    [...train, ...validation, ...test].map((sample) => ({ ...sample, label: elementAt(classes, sample.label) }))
  )

/** What to do to keep the largest class; `small` are the rows that `data.minPerClass` left out. */
const cureOfSmall = (small: ReadonlyArray<Refusal>, data: DataConfig): string => {
  const counts = [...countLabels(small.map(({ label }) => ({ label: label ?? "" }))).values()]
  const largest = counts.reduce((most, n) => Math.max(most, n), 0)
  const column = `is \`data.columns.label\` (${JSON.stringify(data.columns.label)}) the right column?`
  if (largest >= leastPerClass)
    return `Set \`data.minPerClass\` to ${count(largest)} or less, as the largest class has so many, or bring more images of each class.`
  return `Bring ${leastPerClass} images of each class at least; the largest has ${largest}: ${column}`
}

const noClasses = (
  file: string,
  listed: number,
  refusals: ReadonlyArray<Refusal>,
  small: ReadonlyArray<Refusal>,
  data: DataConfig
): DataUnusable =>
  new DataUnusable({
    reason: "noClasses",
    detail: `${file}: none of the ${count(listed)} listed rows is left to train on (${reasonsText(countByReason(refusals))})`,
    cure:
      small.length > 0
        ? cureOfSmall(small, data)
        : refusals.some(({ reason }) => reason === "classTooSmall")
          ? `Correct the images: each class needs ${leastPerClass} usable ones.`
          : "Check `data.images`, `data.columns` and `data.labels`."
  })

/** A sample with what its row says of its part. */
interface Divided extends Placed<Sample> {
  readonly group: string | undefined
  readonly time: Time | undefined
}

/** Divides the samples as configured; the notes say what a person should know of the parts. */
const divide = (
  file: string,
  divided: ReadonlyArray<Divided>,
  classes: ReadonlyArray<string>,
  config: SplitConfig,
  seed: number,
  alike: ReadonlyArray<readonly [number, number]>
): Result.Result<Division<Sample>, DataUnusable> => {
  const samples = divided.map(({ sample }) => sample)
  if (typeof config.by === "object" && "time" in config.by)
    return splitByTime(file, config.by.time, divided, classes, config)
  const names = groupNames(
    divided.map(({ group, sample }) => ({ id: sample.id, digest: sample.digest, group })),
    alike
  )
  if (divided.some(({ part }) => part !== undefined)) return splitAsGiven(file, divided, classes, config, seed, names)
  const isGrouped = typeof config.by === "object" && "group" in config.by
  const ungrouped = isGrouped ? divided.filter(({ group }) => group === undefined).length : 0
  if (isGrouped && ungrouped === divided.length) return Result.fail(noGroups(file, config.by))
  const parts = split(samples, config, seed, names)
  return Result.succeed({
    parts,
    notes: [
      ...(ungrouped === 0
        ? []
        : [`${count(ungrouped)} rows have no cell to group by (\`data.split.by\`): each is a group of its own`]),
      ...fewGroupsNote(parts, classes, names)
    ]
  })
}

/** The rows, each with its part. */
const placedRows = (rows: ReadonlyArray<CheckedRow>, parts: Parts<Sample>): ReadonlyArray<PlacedRow> => {
  const partOf = new Map(Part.literals.flatMap((part) => parts[part].map(({ id }) => [id, part] as const)))
  return rows.flatMap((row) => {
    const placedIn = partOf.get(row.id)
    return placedIn === undefined ? [] : [{ ...row, placedIn }]
  })
}

const noGroups = (file: string, by: SplitBy | undefined): DataUnusable =>
  new DataUnusable({
    reason: "noGroups",
    detail:
      `${file}: no row has a group: ` +
      (typeof by === "object" && "pattern" in by && by.pattern !== undefined
        ? `the pattern ${JSON.stringify(by.pattern)} is in none of the cells`
        : "the cells are empty"),
    cure: "Check the column and the pattern in `data.split.by`."
  })

/**
 * Reads a catalogue and divides it: rows, filter, limit, image check, split. What is refused is in the ledger, by line.
 *
 * Fails with `RowsError` where the list cannot be read, and with `DataUnusable` where more rows are faulty than
 * `data.maxRefused` allows, or no class is left.
 */
export const loadDataset = Effect.fn("Dataset.load")(function* (options: {
  readonly root: string
  readonly data: DataConfig
  readonly image: ImageConfig
  readonly loader: LoaderConfig
  /** Of the subset and the split, where `data.split.seed` says nothing. */
  readonly seed: number
  readonly known?: Known | undefined
}) {
  const { data, image, known, loader, root } = options
  const seed = data.split.seed ?? options.seed
  const file = catalogueFile(root, data)
  const unit = unitOf[formOf(data)]
  const raw = yield* readRows(root, data)
  const { listed } = raw
  const read = withOneKindOfTime(raw)

  const unique = dropDuplicates(read.rows, unit)
  const faulty = [...read.refusals, ...unique.refusals].sort((a, b) => a.line - b.line)
  const spent = checkBudget(file, listed, faulty, data.maxRefused, unit)
  if (spent !== undefined) return yield* spent

  const allowed = yield* Effect.fromResult(keepLabels(unique.kept, data.labels))
  const similar = similarLabelsNote(countLabels(unique.kept), data.labels)
  if (similar !== undefined) yield* report({ _tag: "Note", line: similar })
  const { rare } = data
  const merged =
    typeof rare === "object"
      ? yield* Effect.fromResult(mergeRareClasses(allowed.kept, data.minPerClass, rare.as))
      : allowed.kept
  const large = keepLargeClasses(
    merged,
    data.minPerClass,
    (rows) => `its class has ${count(rows)} rows; \`data.minPerClass\` is ${count(data.minPerClass)}`
  )
  const limited = yield* Effect.fromResult(limitRows(large.kept, data.limit, seed))
  const refused = [...faulty, ...allowed.refusals, ...large.refusals]

  const checked = yield* checkImages({
    root,
    rows: limited,
    listed,
    refusals: refused,
    data,
    image,
    loader,
    known
  })
  const settled = settleConflicts(checked.kept, data.conflicts)
  const faults = [...refused, ...checked.refusals, ...settled.refusals]
  const spentOnConflicts = checkBudget(file, listed, faults, data.maxRefused)
  if (settled.refusals.length > 0 && spentOnConflicts !== undefined) return yield* spentOnConflicts
  const left = keepLargeClasses(
    settled.kept,
    leastPerClass,
    (rows) => `only ${rows} of its class's images can be used; ${leastPerClass} are needed`
  )
  const refusals = [...faults, ...left.refusals].sort((a, b) => a.line - b.line)
  if (left.kept.length === 0) return yield* noClasses(file, listed, refusals, large.refusals, data)

  const classes = [...new Set(left.kept.map(({ label }) => label))].sort(byCodePoint)
  const indexes = new Map(classes.map((label, index) => [label, index]))
  // Every label of a row that is left is one of the classes.
  const within = imageFolders(root, data)
  const urls = data.urls === undefined ? {} : { urls: data.urls }
  const samples = left.kept.map(({ digest, group, id, label, line, part, path, time, was }) => ({
    part,
    group,
    time,
    was,
    sample: { id, label: indexes.get(label)!, path, digest, within, ...urls, line } satisfies Sample
  }))
  const alike = data.split.nearDuplicates === "together" ? rowsAlike(left.kept) : []
  const stays = new Set(large.kept.map(({ id }) => id))
  const gone = unique.kept.flatMap(({ group, id, line, part, time, was }) =>
    typeof was !== "string" || stays.has(id)
      ? []
      : [
          {
            part,
            group,
            time,
            was,
            sample: { id, label: 0, path: "", digest: `line ${line}`, within, line } satisfies Sample
          }
        ]
  )
  const { notes, parts } = yield* Effect.fromResult(
    asListed(samples, gone, classes, alike, (all, names, pairs) => divide(file, all, names, data.split, seed, pairs))
  )
  yield* Effect.forEach(notes, (note) => report({ _tag: "Note", line: `${file}: ${note}` }), { discard: true })
  const dataset: Dataset = {
    root,
    classes,
    ...parts,
    ledger: { listed, kept: samples.length, refusals, overLimit: large.kept.length - limited.length },
    digest: yield* sha256(listingOf(left.kept)),
    ...(known === undefined && { leakage: leakageOf(root, placedRows(left.kept, parts), notes) })
  }
  return dataset
})
