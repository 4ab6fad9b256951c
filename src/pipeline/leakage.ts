import { Schema } from "effect"
import type { CheckedRow } from "./checkImages.ts"
import { conflictsOf, labelIn } from "./conflicts.ts"
import { alikePairs } from "./fingerprint.ts"
import type { LabelColumn } from "./LabelColumn.ts"
import { hasOneValue } from "./LabelColumn.ts"
import { imageFrom } from "./Rows.ts"
import type { Part } from "./Part.ts"
import type { Row } from "./Row.ts"

/** A row that is shown: its photo, and the class that it is labelled with. */
const ShownRow = Schema.Struct({
  id: Schema.String,
  /** Relative to the catalogue's folder. */
  file: Schema.String,
  /** SHA-256 of its bytes, in hex. */
  digest: Schema.String,
  /** With several label columns, all that are known of it, with commas between them. */
  label: Schema.String
})
export type ShownRow = typeof ShownRow.Type

/**
 * What rows have in common: their images' bytes, their images' looks, or a cell of a column that looks like a product's
 * name.
 */
const sharing = {
  kind: Schema.Literals(["bytes", "looks", "column"]),
  column: Schema.optionalKey(Schema.String)
}

/** Rows of the parts that share something with a row that is trained on. */
export const Shared = Schema.Struct({
  ...sharing,
  validation: Schema.Natural,
  test: Schema.Natural,
  /** Ids of the test rows. */
  testIds: Schema.Array(Schema.String),
  /** A few of them, each beside a training row. */
  examples: Schema.Array(Schema.Struct({ test: ShownRow, train: ShownRow }))
})
export type Shared = typeof Shared.Type

/** Rows that share an image or a name, and have different labels. */
export const Contradiction = Schema.Struct({
  ...sharing,
  /** The label column in which they differ, where there are several. */
  labels: Schema.optionalKey(Schema.String),
  sets: Schema.Natural,
  rows: Schema.Natural,
  /** The largest sets, with their labels and a few of their rows. */
  examples: Schema.Array(
    Schema.Struct({
      /** The cell; absent of images. */
      shared: Schema.optionalKey(Schema.String),
      labels: Schema.Array(Schema.Tuple([Schema.String, Schema.Natural])),
      rows: Schema.Array(ShownRow)
    })
  )
})
export type Contradiction = typeof Contradiction.Type

/** How a catalogue was divided, what its parts share nevertheless, and where its labels contradict each other. */
export const Leakage = Schema.Struct({
  /** What a person should know of the division: which date divides, which classes have too few groups. */
  notes: Schema.Array(Schema.String),
  train: Schema.Natural,
  validation: Schema.Natural,
  test: Schema.Natural,
  shared: Schema.Array(Shared),
  contradictions: Schema.Array(Contradiction)
})
export type Leakage = typeof Leakage.Type

/** What a page shows of each kind. */
const shown = { pairs: 6, sets: 8, ofSet: 4 } as const

/** When a column looks like products' names: see `namesIn`. */
const nameRule = { letters: 0.5, least: 20, different: 0.1, repeated: 0.01 } as const

/** The rule in words, for pages. */
export const nameRuleText =
  "a letter in at least half of its cells, at least 20 different cells and a tenth as many as rows, and at least one row in a hundred that shares its cell with another"

const CellsText = Schema.fromJsonString(Schema.Array(Schema.String))
const decodeCells = Schema.decodeSync(CellsText)

/**
 * The columns that look like products' names, each with the rows' cells (undefined: empty): text, with a letter in at least
 * half of the cells; many different ones, 20 and a tenth as many as rows at least; and some that are repeated, in one row of a
 * hundred at least.
 */
export const namesIn = (
  rows: ReadonlyArray<Pick<Row, "others">>
): ReadonlyMap<string, ReadonlyArray<string | undefined>> => {
  const columns = new Map<string, Array<string | undefined>>()
  rows.forEach(({ others }, index) => {
    if (others === undefined) return
    decodeCells(others.cells).forEach((cell, at) => {
      const column = others.columns[at] ?? ""
      const cells = columns.get(column) ?? []
      cells[index] = cell === "" ? undefined : cell
      columns.set(column, cells)
    })
  })
  const isName = (cells: ReadonlyArray<string | undefined>) => {
    const counts = new Map<string, number>()
    let letters = 0
    for (const cell of cells)
      if (cell !== undefined) {
        counts.set(cell, (counts.get(cell) ?? 0) + 1)
        if (/\p{L}/u.test(cell)) letters += 1
      }
    const repeated = [...counts.values()].reduce((sum, n) => sum + (n > 1 ? n : 0), 0)
    return (
      letters >= nameRule.letters * rows.length &&
      counts.size >= Math.max(nameRule.least, nameRule.different * rows.length) &&
      repeated > 0 &&
      repeated >= nameRule.repeated * rows.length
    )
  }
  return new Map([...columns].filter(([, cells]) => isName(cells)))
}

/** A row in its part. */
export type PlacedRow = CheckedRow & { readonly placedIn: Part }

/** Rows of other parts, each with a training row that it is tied to. */
type Tied = ReadonlyMap<PlacedRow, PlacedRow>

const tiedByKey = (
  rows: ReadonlyArray<PlacedRow>,
  keyOf: (row: PlacedRow, index: number) => string | undefined
): Tied => {
  const trained = new Map<string, PlacedRow>()
  const keys = rows.map(keyOf)
  rows.forEach((row, index) => {
    const key = keys[index]
    if (row.placedIn === "train" && key !== undefined && !trained.has(key)) trained.set(key, row)
  })
  const tied = new Map<PlacedRow, PlacedRow>()
  rows.forEach((row, index) => {
    const other = keys[index] === undefined ? undefined : trained.get(keys[index])
    if (row.placedIn !== "train" && other !== undefined) tied.set(row, other)
  })
  return tied
}

/** By looks, without those whose very bytes are shared: one photo stands for all with its bytes. */
const tiedByLooks = (rows: ReadonlyArray<PlacedRow>): Tied => {
  const files = [...Map.groupBy(rows, ({ digest }) => digest).values()]
  const tied = new Map<PlacedRow, PlacedRow>()
  const tie = (some: ReadonlyArray<PlacedRow>, others: ReadonlyArray<PlacedRow>) => {
    const trained = others.find(({ placedIn }) => placedIn === "train")
    if (trained === undefined) return
    for (const row of some) if (row.placedIn !== "train" && !tied.has(row)) tied.set(row, trained)
  }
  for (const [a, b] of alikePairs(files.map(([first]) => first?.fingerprint))) {
    const [one = [], other = []] = [files[a], files[b]]
    tie(one, other)
    tie(other, one)
  }
  return tied
}

/** The pairs of rows whose photos look alike, as indexes; of rows with the same bytes, the first stands for all. */
export const rowsAlike = (
  rows: ReadonlyArray<Pick<CheckedRow, "digest" | "fingerprint">>
): ReadonlyArray<readonly [number, number]> => {
  const firsts = new Map<string, number>()
  rows.forEach(({ digest }, index) => {
    if (!firsts.has(digest)) firsts.set(digest, index)
  })
  const indexes = [...firsts.values()]
  return alikePairs(indexes.map((index) => rows[index]?.fingerprint)).map(
    ([a, b]) => [indexes[a] ?? 0, indexes[b] ?? 0] as const
  )
}

/**
 * Works out what the parts of a divided catalogue share; `root` is the catalogue's folder. Labels contradict each other in
 * each of the label `columns` for itself.
 */
export const leakageOf = (
  root: string,
  rows: ReadonlyArray<PlacedRow>,
  notes: ReadonlyArray<string>,
  columns: ReadonlyArray<LabelColumn>
): Leakage => {
  const isOne = hasOneValue(columns)
  const show = (row: PlacedRow): ShownRow => ({
    id: row.id,
    file: imageFrom(root, row.path),
    digest: row.digest,
    label: isOne ? row.label : columns.flatMap((_, column) => labelIn(row, column) ?? []).join(", ")
  })
  const inPart = (part: Part) => rows.reduce((sum, { placedIn }) => sum + (placedIn === part ? 1 : 0), 0)
  const shared = (kind: Shared["kind"], tied: Tied, column?: string): Shared => {
    const test = [...tied].filter(([{ placedIn }]) => placedIn === "test")
    return {
      kind,
      ...(column !== undefined && { column }),
      validation: tied.size - test.length,
      test: test.length,
      testIds: test.map(([{ id }]) => id),
      examples: test.slice(0, shown.pairs).map(([row, other]) => ({ test: show(row), train: show(other) }))
    }
  }
  const contradictions = (
    kind: Contradiction["kind"],
    sharedBy: (row: PlacedRow) => string | undefined,
    column?: string
  ): ReadonlyArray<Contradiction> =>
    columns.map(({ name }, at) => {
      const found = conflictsOf(rows, sharedBy, at)
      return {
        kind,
        ...(column !== undefined && { column }),
        ...(!isOne && { labels: name }),
        sets: found.length,
        rows: found.reduce((sum, { rows }) => sum + rows.length, 0),
        examples: found.slice(0, shown.sets).map(({ labels, rows, shared }) => ({
          ...(kind === "column" && { shared }),
          labels,
          // One of each label first.
          rows: [...labels.flatMap(([label]) => rows.find((row) => labelIn(row, at) === label) ?? []), ...rows]
            .filter((row, index, all) => all.indexOf(row) === index)
            .slice(0, shown.ofSet)
            .map(show)
        }))
      }
    })
  const names = [...namesIn(rows)].map(([column, cells]) => {
    const cellOf = new Map(rows.map((row, index) => [row, cells[index]] as const))
    return { column, keyOf: (row: PlacedRow) => cellOf.get(row) }
  })
  const hasLooks = rows.some((row) => row.fingerprint !== undefined)
  return {
    notes,
    train: inPart("train"),
    validation: inPart("validation"),
    test: inPart("test"),
    shared: [
      shared(
        "bytes",
        tiedByKey(rows, ({ digest }) => digest)
      ),
      ...(hasLooks ? [shared("looks", tiedByLooks(rows))] : []),
      ...names.map(({ column, keyOf }) => shared("column", tiedByKey(rows, keyOf), column))
    ],
    contradictions: [
      ...contradictions("bytes", ({ digest }) => digest),
      ...names.flatMap(({ column, keyOf }) => contradictions("column", keyOf, column))
    ]
  }
}

/** What is shared, for people. */
export const sharedText = ({ column, kind }: Pick<Shared, "kind" | "column">): string =>
  kind === "bytes"
    ? "the very image (its bytes)"
    : kind === "looks"
      ? "an image that looks alike"
      : `the cell of the column ${JSON.stringify(column ?? "")}`
