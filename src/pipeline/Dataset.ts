import { elementAt } from "./elementAt.ts"
import { Effect, Result, Stream } from "effect"
import { report } from "./Progress.ts"
import { sha256 } from "./sha256.ts"
import type { CheckedRow, Known } from "./checkImages.ts"
import { checkImages } from "./checkImages.ts"
import { formOf, unitOf } from "./catalogueForm.ts"
import type { DataConfig, SplitBy, SplitConfig } from "./DataConfig.ts"
import { checkBudget, count, DataUnusable } from "./DataUnusable.ts"
import type { Filtered } from "./filter.ts"
import { countLabels, dropDuplicates, keepLabels, keepLargeClasses, mergeRareClasses } from "./filter.ts"
import { byCodePoint, byCodeUnit } from "./hashOrder.ts"
import type { ImageConfig } from "./ImageConfig.ts"
import type { Ledger, Refusal } from "./Ledger.ts"
import { countByReason, reasonsText } from "./Ledger.ts"
import { leastPerClass, limitRows } from "./limit.ts"
import type { Leakage, PlacedRow } from "./leakage.ts"
import { leakageOf, rowsAlike } from "./leakage.ts"
import { Part } from "./Part.ts"
import type { LabelColumn } from "./LabelColumn.ts"
import type { LabelColumnConfig } from "./LabelColumnConfig.ts"
import { hasOneLabel, labelColumnsOf } from "./LabelColumnConfig.ts"
import { labelTexts } from "./labelTexts.ts"
import type { LoaderConfig } from "./LoaderConfig.ts"
import type { MaskedRow } from "./maskLabels.ts"
import { countValues, leaveOutRare, mergeRareValues } from "./maskLabels.ts"
import type { Row } from "./Row.ts"
import { catalogueFile, imageFolders, Rows } from "./Rows.ts"
import type { Sample } from "./Sample.ts"
import type { Placed } from "./splitAsGiven.ts"
import { splitAsGiven } from "./splitAsGiven.ts"
import { asListed } from "./asListed.ts"
import { settleConflicts } from "./conflicts.ts"
import { fewGroupsNote } from "./fewGroups.ts"
import { withFold } from "./folds.ts"
import { groupNames } from "./grouping.ts"
import type { Division, Parts } from "./split.ts"
import { similarLabelsNote } from "./similarLabels.ts"
import { split } from "./split.ts"
import { splitByTime, withOneKindOfTime, without } from "./splitByTime.ts"
import type { Time } from "./Time.ts"

/** A run's samples in their three parts, and the ledger of all rows. */
export interface Dataset extends Parts<Sample> {
  /** The folder that the list and the images are under. */
  readonly root: string
  /** The classes of the first label column, by code point; a sample's label is an index into them. */
  readonly classes: ReadonlyArray<string>
  /** The label columns, one at least; the first one's classes are `classes`. */
  readonly columns: ReadonlyArray<LabelColumn>
  readonly ledger: Ledger
  /** SHA-256 over id, label and image bytes of all kept samples, in hex; independent of their order in the list. */
  readonly digest: string
  /**
   * By id, the name of the group that no split divides; a sample that is not in it is alone. Absent where nothing asked for
   * it.
   */
  readonly groups?: ReadonlyMap<string, string>
  /**
   * What the parts share, and which labels contradict each other; absent where it was known how the rows were divided.
   */
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

/** Lines of a listing that are one text: a million texts of their own would take as much memory as all else. */
const together = 4096

/**
 * One JSON line for each sample, `["id","label","SHA-256 of the image"]`, by id, many lines at a time; the digest is the
 * whole text's SHA-256.
 *
 * With several label columns, in the label's place a list of what each says: a text, a list of texts where a column may
 * have several values, or null where it is not known.
 */
function* listingOf(
  rows: ReadonlyArray<Pick<CheckedRow, "id" | "label" | "labels" | "digest">>,
  columns: ReadonlyArray<Pick<LabelColumn, "values">>
): Generator<string> {
  const sorted = rows.toSorted((a, b) => byCodeUnit(a.id, b.id))
  for (let from = 0; from < sorted.length; from += together) {
    let text = ""
    for (const { digest, id, label, labels } of sorted.slice(from, from + together)) {
      const own = labels?.map((values, column) =>
        values === undefined ? null : columns[column]?.values === "one" ? (values[0] ?? null) : values
      )
      text += `${JSON.stringify([id, own ?? label, digest])}\n`
    }
    yield text
  }
}

/** The SHA-256 of a text that is given in parts; the whole of a large catalogue may be longer than a string can be. */
const digestOf = (parts: Iterable<string>): Effect.Effect<string> =>
  Effect.suspend(() => {
    const encoder = new TextEncoder()
    const encoded = Array.from(parts, (text) => encoder.encode(text))
    const bytes = new Uint8Array(encoded.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const one of encoded) {
      bytes.set(one, at)
      at += one.length
    }
    return sha256(bytes)
  })

/** All samples of a dataset as text, of which `digest` is the SHA-256: id, label and the image's SHA-256, a line each. */
export const listing = ({ columns, test, train, validation }: Dataset): string =>
  Array.from(
    listingOf(
      [...train, ...validation, ...test].map(({ digest, id, ...sample }) => ({
        id,
        digest,
        ...labelTexts(columns, sample)
      })),
      columns
    )
  ).join("")

/** What to do to keep the largest class; `small` are the rows that `data.minPerClass` left out. */
const cureOfSmall = (small: ReadonlyArray<Refusal>, data: DataConfig): string => {
  const names = small.flatMap(({ label, labels }) => labels?.[0] ?? (label === undefined ? [] : [label]))
  const counts = [...countLabels(names.map((label) => ({ label }))).values()]
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

/** The error of a label column without any class. */
const emptyColumn = (file: string, { column }: LabelColumnConfig, least: number): DataUnusable =>
  new DataUnusable({
    reason: "noClasses",
    detail: `${file}: no value of the column ${JSON.stringify(column)} has ${count(least)} rows (\`data.minPerClass\`)`,
    cure: "Give the column a smaller `minPerClass` of its own in `data.columns.label`, or leave it out there."
  })

/** The values that are left in a label column, by code point. */
const classesIn = (rows: ReadonlyArray<CheckedRow>, column: number): ReadonlyArray<string> =>
  [...new Set(rows.flatMap(({ label, labels }) => (labels === undefined ? [label] : (labels[column] ?? []))))].sort(
    byCodePoint
  )

/** What a part lacks of the label columns whose classes the split does not heed. */
const lackNotes = (parts: Parts<Sample>, columns: ReadonlyArray<LabelColumn>): ReadonlyArray<string> =>
  columns.flatMap(({ classes, name, values }, column) => {
    if (column === 0 && values === "one") return []
    const labelled = (part: Part) =>
      parts[part].flatMap(({ labels }) => (labels?.[column] ?? []).map((label) => ({ label })))
    return [
      ...without(labelled("train"), classes, "training", "a network cannot learn what it never sees"),
      ...(parts.test.length === 0 ? [] : without(labelled("test"), classes, "test", "nothing is measured of them"))
    ].map((note) => `the column ${JSON.stringify(name)}: ${note}`)
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
  const { fold } = config
  const folded = (division: Division<Sample>) => (fold === undefined ? division : withFold(division, fold, seed, names))
  if (divided.some(({ part }) => part !== undefined))
    return Result.map(splitAsGiven(file, divided, classes, config, seed, names), folded)
  const isGrouped = typeof config.by === "object" && "group" in config.by
  const ungrouped = isGrouped ? divided.filter(({ group }) => group === undefined).length : 0
  if (isGrouped && ungrouped === divided.length) return Result.fail(noGroups(file, config.by))
  const notes =
    ungrouped === 0
      ? []
      : [`${count(ungrouped)} rows have no cell to group by (\`data.split.by\`): each is a group of its own`]
  const division = folded({ parts: split(samples, config, seed, names), notes })
  return Result.succeed({
    ...division,
    notes: [...division.notes, ...fewGroupsNote(division.parts, classes, names)]
  })
}

/** The rows, each with its part. */
const placedRows = (rows: ReadonlyArray<CheckedRow>, parts: Parts<Sample>): ReadonlyArray<PlacedRow> => {
  // Without lists of pairs, which for a million rows would be a large part of the memory of all.
  const partOf = new Map<string, Part>()
  for (const part of Part.literals) for (const { id } of parts[part]) partOf.set(id, part)
  const placed: Array<PlacedRow> = []
  for (const row of rows) {
    const placedIn = partOf.get(row.id)
    if (placedIn !== undefined) placed.push({ ...row, placedIn })
  }
  return placed
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
  /** Whether the names of the groups are wanted. */
  readonly withGroups?: boolean
}) {
  const { data, image, known, loader, root, withGroups = false } = options
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

  const wanted = labelColumnsOf(data)
  const isOne = hasOneLabel(wanted)
  const least = wanted.map(({ minPerClass }) => minPerClass ?? data.minPerClass)

  const allowed = yield* Effect.fromResult(keepLabels(unique.kept, data.labels))
  for (const [column, { column: name }] of wanted.entries()) {
    const counts = isOne ? countLabels(unique.kept) : countValues(unique.kept, column)
    const similar = similarLabelsNote(counts, column === 0 ? data.labels : undefined)
    const line = similar !== undefined && !isOne ? `the column ${JSON.stringify(name)}: ${similar}` : similar
    if (line !== undefined) yield* report({ _tag: "Note", line })
  }
  const { rare } = data
  const merged =
    typeof rare !== "object"
      ? allowed.kept
      : yield* Effect.fromResult(
          isOne
            ? mergeRareClasses(allowed.kept, elementAt(least, 0), rare.as)
            : mergeRareValues(allowed.kept, wanted, least, rare.as)
        )
  const large: Filtered<MaskedRow> = isOne
    ? keepLargeClasses(
        merged,
        elementAt(least, 0),
        (rows) => `its class has ${count(rows)} rows; \`data.minPerClass\` is ${count(elementAt(least, 0))}`
      )
    : leaveOutRare(merged, least, "in every label column its value has fewer rows than `data.minPerClass`")
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
  const left = isOne
    ? keepLargeClasses(
        settled.kept,
        leastPerClass,
        (rows) => `only ${rows} of its class's images can be used; ${leastPerClass} are needed`
      )
    : leaveOutRare(
        settled.kept,
        wanted.map(() => leastPerClass),
        `in every label column too few of its value's images can be used; ${leastPerClass} are needed`
      )
  const refusals = [...faults, ...left.refusals].sort((a, b) => a.line - b.line)
  if (left.kept.length === 0) return yield* noClasses(file, listed, refusals, large.refusals, data)

  const columns = wanted.map(({ column, separator }, index): LabelColumn => ({
    name: column,
    classes: classesIn(left.kept, index),
    values: separator === undefined ? "one" : "several"
  }))
  const empty = columns.findIndex(({ classes }) => classes.length === 0)
  if (empty >= 0) return yield* emptyColumn(file, elementAt(wanted, empty), elementAt(least, empty))
  const { classes } = elementAt(columns, 0)
  const places = columns.map(({ classes }) => new Map(classes.map((label, index) => [label, index])))
  // Every value of a row that is left is one of its column's classes, in the order of code points as they are.
  const placeOf = (column: number, value: string) => places[column]?.get(value) ?? -1
  const within = imageFolders(root, data)
  const urls = data.urls === undefined ? {} : { urls: data.urls }
  const sampleOf = ({ id, line }: Pick<Row, "id" | "line">) => ({ id, within, ...urls, line })
  const samples = left.kept.map((row) => {
    const { digest, group, label, labels, leftOut, part, path, time, was } = row
    const known = labels?.map((values, column) => values?.map((value) => placeOf(column, value)))
    const sample: Sample = {
      ...sampleOf(row),
      label: label === "" ? -1 : placeOf(0, label),
      ...(known !== undefined && { labels: known }),
      ...(leftOut !== undefined && { leftOut }),
      path,
      digest
    }
    return { part, group, time, was, sample }
  })
  const alike = data.split.nearDuplicates === "together" ? rowsAlike(left.kept) : []
  const stays = new Set(large.kept.map(({ id }) => id))
  const gone = unique.kept.flatMap((row) => {
    const { group, id, line, part, time, was } = row
    if (typeof was !== "string" || stays.has(id)) return []
    const sample: Sample = { ...sampleOf(row), label: 0, path: "", digest: `line ${line}` }
    return [{ part, group, time, was, sample }]
  })
  const division = yield* Effect.fromResult(
    asListed(samples, gone, classes, alike, (all, names, pairs) => divide(file, all, names, data.split, seed, pairs))
  )
  const { parts } = division
  const notes = [...division.notes, ...lackNotes(parts, columns)]
  yield* Effect.forEach(notes, (note) => report({ _tag: "Note", line: `${file}: ${note}` }), { discard: true })
  const dataset: Dataset = {
    root,
    classes,
    columns,
    ...parts,
    ledger: { listed, kept: samples.length, refusals, overLimit: large.kept.length - limited.length },
    digest: yield* digestOf(listingOf(left.kept, columns)),
    ...(withGroups && {
      groups: groupNames(
        samples.map(({ group, sample: { digest, id } }) => ({ id, digest, group })),
        alike
      )
    }),
    ...(known === undefined && { leakage: leakageOf(root, placedRows(left.kept, parts), notes, columns) })
  }
  return dataset
})
