/**
 * Guesses what a catalogue's columns and folders mean, from its header, a sample of its rows and the names of its files.
 * All here are plain functions: what is read, `CatalogueFiles` reads.
 */
import { Result } from "effect"
import type { FolderFound, ListSample, Place } from "./CatalogueFiles.ts"
import { CatalogueUnclear } from "./CatalogueFiles.ts"
import { count } from "./DataUnusable.ts"
import { partNamed } from "./Part.ts"
import { isAbsolute } from "./Rows.ts"

/** What the command line says of the data. */
export interface Wishes {
  readonly label?: string | undefined
  /** Whether images may be fetched from addresses. */
  readonly urls?: boolean | undefined
}

/** Keys of `data`, as a configuration has them, and what to say of them. */
export interface Guess {
  readonly data: Readonly<Record<string, unknown>>
  /** What was taken for what, in a line; `classes` are as many as all rows have. */
  readonly line: (classes: number) => string
}

/** A place where a row's image may be. */
export interface ImageCandidate {
  /** `data.images`. */
  readonly template: string
  readonly column: string
  /** Whether its cells name files, and are not put together to names. */
  readonly isFile: boolean
  /** The path of each of some rows. */
  readonly paths: ReadonlyArray<string>
}

export const quoted = (names: ReadonlyArray<string>, most = 8): string =>
  names
    .slice(0, most)
    .map((name) => `\`${name.length > 40 ? `${name.slice(0, 40)}…` : name}\``)
    .join(", ") + (names.length > most ? ` and ${count(names.length - most)} more` : "")

const imageName = /\.(?:jpe?g|jpe|jfif|png|apng|webp|gif|tiff?|avif|hei[cf])$/i
const address = /^https?:\/\//i

/** A column of a sample: its cells that are not empty, and how many values they have. */
interface Column {
  readonly name: string
  readonly cells: ReadonlyArray<string>
  readonly values: ReadonlySet<string>
}

const columnsOf = ({ columns, rows }: ListSample): ReadonlyArray<Column> =>
  columns.map((name, index) => {
    const cells = rows.flatMap((row) => {
      const cell = (row[index] ?? "").trim()
      return cell === "" ? [] : [cell]
    })
    return { name, cells, values: new Set(cells) }
  })

const share = (cells: ReadonlyArray<string>, holds: (cell: string) => boolean): number =>
  cells.length === 0 ? 0 : cells.filter(holds).length / cells.length

/** Nearly all: exporters leave a few cells that are wrong. */
const most = 0.8

const isDistinct = ({ cells, values }: Column, rows: number): boolean => cells.length === rows && values.size === rows

/** A name's words in lower case: `articleType` has `article` and `type`. */
const wordsOf = (name: string): ReadonlyArray<string> =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "")

/** Words that name what is to be learned, the surest first. */
const labelWords = [
  ["label", "labels", "target"],
  ["class", "category", "categories", "type", "kind", "species", "breed", "genre", "klasse", "kategorie", "art"]
]
/** Words that name a row. */
const idWords = [
  "id",
  "sku",
  "uuid",
  "guid",
  "asin",
  "ean",
  "gtin",
  "isbn",
  "key",
  "code",
  "nr",
  "no",
  "number",
  "index"
]
/** Words that name a row's part. */
const partWords = ["split", "set", "subset", "part", "partition", "fold"]

const rankOf = (name: string, ranks: ReadonlyArray<ReadonlyArray<string>>): number => {
  const words = wordsOf(name)
  const rank = ranks.findIndex((one) => words.some((word) => one.includes(word)))
  return rank < 0 ? ranks.length : rank
}

/** Rows of a sample that are looked for on the disk, spread over it. */
const mostTried = 20

const triedRows = <A>(rows: ReadonlyArray<A>): ReadonlyArray<A> => {
  const step = Math.max(1, Math.floor(rows.length / mostTried))
  return rows.filter((_, index) => index % step === 0).slice(0, mostTried)
}

/** Folders of images that are tried for a list, those with the most images first. */
const mostFolders = 12

/** Where the images of a list's rows may be: columns with names of files, and folders of files that are named by a cell. */
export const imageCandidates = (
  sample: ListSample,
  folders: ReadonlyArray<FolderFound>
): ReadonlyArray<ImageCandidate> => {
  const withImages = folders
    .filter(({ images }) => images > 0)
    .toSorted((a, b) => b.images - a.images)
    .slice(0, mostFolders)
  const below = (folder: string) => (folder === "" ? "" : `${folder}/`)
  // Beside the list first: a path in a list is mostly meant from there.
  const beside = sample.file.includes("/") ? sample.file.slice(0, sample.file.lastIndexOf("/") + 1) : ""
  const rows = triedRows(sample.rows)
  return sample.columns.flatMap((column, index) => {
    const cells = rows.map((row) => (row[index] ?? "").trim())
    const full = cells.filter((cell) => cell !== "")
    if (full.length === 0 || full.length < most * cells.length || column === "") return []
    const isFile = share(full, (cell) => imageName.test(cell)) >= most
    const of = (before: string, after: string): ImageCandidate => ({
      template: `${before}{${column}}${after}`,
      column,
      isFile,
      paths: full.map((cell) => before + cell + after)
    })
    if (share(full, (cell) => address.test(cell)) >= most) return []
    if (isFile) {
      const places = [...new Set([beside, "", ...folders.map(({ path }) => below(path))])]
      return isAbsolute(full[0] ?? "") ? [of("", "")] : places.slice(0, 40).map((before) => of(before, ""))
    }
    if (share(full, (cell) => cell.length <= 200 && !/[\n\r]/.test(cell)) < most) return []
    return withImages.flatMap(({ endings, path }) => endings.map((ending) => of(below(path), ending)))
  })
}

/** The candidate whose images are there; a file's own name is surer than one that is put together. */
const chooseImages = (candidates: ReadonlyArray<ImageCandidate>, present: ReadonlySet<string>) => {
  const judged = candidates
    .map((candidate) => ({ candidate, found: share(candidate.paths, (path) => present.has(path)) }))
    .filter(({ found }) => found >= 0.5)
    .toSorted((a, b) => Number(b.candidate.isFile) - Number(a.candidate.isFile) || b.found - a.found)
  return judged[0]?.candidate
}

/** The folder that all these absolute paths are in. */
const commonFolder = (paths: ReadonlyArray<string>): string => {
  const [first = [], ...others] = paths.map((path) => path.split("/").slice(0, -1))
  const end = first.findIndex((part, index) => others.some((other) => other[index] !== part))
  return first.slice(0, end < 0 ? first.length : end).join("/")
}

/** Columns whose values may be classes: some values that come again, no files, no numbers with fractions. */
const plausibleLabels = (columns: ReadonlyArray<Column>, rows: number): ReadonlyArray<Column> =>
  columns.filter(
    ({ cells, name, values }) =>
      name !== "" &&
      values.size >= 2 &&
      cells.length >= rows / 2 &&
      cells.length / values.size >= 2 &&
      share(cells, (cell) => imageName.test(cell) || address.test(cell) || /^-?\d+[.,]\d+$/.test(cell)) < 0.5
  )

const areNumbers = ({ cells }: Column): boolean => share(cells, (cell) => /^-?\d+$/.test(cell)) >= most

const isPartColumn = ({ cells, name, values }: Column): boolean =>
  partWords.some((word) => wordsOf(name).includes(word)) &&
  values.size >= 2 &&
  cells.every((cell) => partNamed(cell) !== undefined) &&
  cells.some((cell) => partNamed(cell) === "train")

export const unclear = (path: string, reason: CatalogueUnclear["reason"], detail: string, cure: string) =>
  new CatalogueUnclear({ path, reason, detail, cure })

/** The label among a list's columns, and others that could be meant. */
const chooseLabel = (
  named: string,
  sample: ListSample,
  columns: ReadonlyArray<Column>,
  wishes: Wishes,
  taken: ReadonlyArray<string>
): Result.Result<{ readonly label: Column; readonly others: ReadonlyArray<string> }, CatalogueUnclear> => {
  const file = named.endsWith(sample.file) ? named : `${named}/${sample.file}`
  const names = sample.columns.filter((name) => name !== "")
  if (wishes.label !== undefined) {
    const label = columns.find(({ name }) => name === wishes.label)
    return label === undefined
      ? Result.fail(
          unclear(
            file,
            "label",
            `there is no column \`${wishes.label}\`, which --label names; it has ${quoted(names)}`,
            "Name one of them with --label."
          )
        )
      : Result.succeed({ label, others: [] })
  }
  const plausible = plausibleLabels(columns, sample.rows.length).filter(({ name }) => !taken.includes(name))
  const rank = ({ name }: Column) => rankOf(name, labelWords)
  const best = Math.min(...plausible.map(rank))
  const isNamed = best < labelWords.length
  const likely = plausible.filter((column) => rank(column) === best)
  // Without a word that says so, years and sizes are no classes where there is anything else.
  const texts = isNamed ? likely : likely.filter((column) => !areNumbers(column))
  const top = texts.length > 0 ? texts : likely
  // Of several of a kind, the finest: an article's type rather than its department.
  const [first] = top.toSorted((a, b) => b.values.size - a.values.size)
  if (first === undefined)
    return Result.fail(
      unclear(
        file,
        "label",
        `no column looks like the label: it would have values that come again, and here ${
          columns.some(({ values }) => values.size === 1)
            ? "each column has one value or"
            : "nearly every row has its own in"
        } ${quoted(names)}`,
        "Name the column with the classes with --label COLUMN."
      )
    )
  if (!isNamed && top.length > 1)
    return Result.fail(
      unclear(
        file,
        "label",
        `several columns could be the label: ${quoted(top.map(({ name }) => name))}`,
        `Name the one to learn, such as --label ${first.name}.`
      )
    )
  const others = plausible.filter((column) => column !== first && !areNumbers(column)).map(({ name }) => name)
  return Result.succeed({ label: first, others })
}

const chooseId = (sample: ListSample, columns: ReadonlyArray<Column>, image: string): Column | undefined => {
  const distinct = columns.filter((column) => column.name !== "" && isDistinct(column, sample.rows.length))
  const ofImage = distinct.find(({ name }) => name === image)
  if (ofImage !== undefined && share(ofImage.cells, (cell) => imageName.test(cell)) < most) return ofImage
  const isId = ({ name }: Column) => idWords.some((word) => wordsOf(name).includes(word) || /[a-z]id$/i.test(name))
  return distinct.find(({ name }) => name.toLowerCase() === "id") ?? distinct.find(isId) ?? ofImage
}

const delimiterWords: Readonly<Record<string, string>> = {
  ",": "commas",
  ";": "semicolons",
  "\t": "tabs",
  "|": "vertical bars"
}

/**
 * What a list's columns mean; `present` are those of its candidates' paths at which there is a file.
 *
 * Fails with what was seen, and the flag that decides.
 */
export const guessList = (
  place: Pick<Place, "named" | "root">,
  sample: ListSample,
  candidates: ReadonlyArray<ImageCandidate>,
  present: ReadonlySet<string>,
  wishes: Wishes = {}
): Result.Result<Guess, CatalogueUnclear> => {
  const { named, root } = place
  const columns = columnsOf(sample)
  const file = named.endsWith(sample.file) ? named : `${named}/${sample.file}`
  if (sample.rows.length === 0)
    return Result.fail(
      unclear(
        file,
        "empty",
        `there is no row below its header (${quoted(sample.columns)})`,
        "Expected a row for each image."
      )
    )
  const [bytes] = sample.bytes ?? []
  const addresses = columns.find(({ cells }) => share(cells, (cell) => address.test(cell)) >= most)
  const chosen = chooseImages(candidates, present)
  const isFetched = bytes === undefined && chosen === undefined && addresses !== undefined
  if (isFetched && wishes.urls !== true)
    return Result.fail(
      unclear(
        file,
        "images",
        `the images of \`${addresses.name}\` are addresses, and none is fetched unless you allow it`,
        `Add --set 'data.urls={"hosts": ["${hostOf(addresses.cells[0] ?? "")}"]}'; they are fetched once, and kept.`
      )
    )
  const column = bytes ?? chosen?.column ?? (isFetched ? addresses.name : undefined)
  if (column === undefined) {
    const tried = candidates.slice(0, 3).flatMap(({ paths }) => paths.slice(0, 1))
    return Result.fail(
      unclear(
        file,
        "images",
        `no column says where the images are; it has ${quoted(sample.columns)}${
          tried.length === 0 ? "" : `, and there is no file ${quoted(tried)}`
        }`,
        "Put the images beside it, or write a configuration (weft init) whose data.images says where they are."
      )
    )
  }
  const images = chosen?.template ?? `{${column}}`
  const part = columns.find(isPartColumn)
  const id = chooseId(sample, columns, column)
  const label = chooseLabel(named, sample, columns, wishes, [
    ...(part === undefined ? [] : [part.name]),
    ...(sample.bytes ?? []),
    ...(id === undefined ? [] : [id.name])
  ])
  if (Result.isFailure(label)) return Result.fail(label.failure)
  // Parquet's rows have a place where they have no id of their own.
  const idName = id?.name ?? (sample.kind === "parquet" && !sample.columns.includes("id") ? undefined : column)
  const outside = chosen !== undefined && isAbsolute(chosen.paths[0] ?? "") ? commonFolder(chosen.paths) : undefined
  const allow = outside === undefined || outside === root || outside.startsWith(`${root}/`) ? undefined : [outside]
  const { label: labelColumn, others } = label.success
  const how =
    sample.kind === "csv" && sample.delimiter !== undefined
      ? `, ${delimiterWords[sample.delimiter] ?? JSON.stringify(sample.delimiter)}`
      : ""
  const alternatives = others.length === 0 ? "" : `; or ${quoted(others, 4)}: --label`
  return Result.succeed({
    data: {
      root,
      [sample.kind]: sample.file,
      images,
      columns: { ...(idName !== undefined && { id: idName }), label: labelColumn.name },
      ...(allow !== undefined && { allow }),
      ...(part !== undefined && { split: { by: { column: part.name } } })
    },
    line: (classes) =>
      `${sample.file}${how}; \`${labelColumn.name}\` ${wishes.label === undefined ? "looks like the label" : "is the label"} ` +
      `(${count(classes)} ${classes === 1 ? "value" : "values"}${alternatives})` +
      (idName === undefined ? "" : `, \`${idName}\` like the id`) +
      (part === undefined ? "" : `, \`${part.name}\` like the part`) +
      `; ${bytes === undefined ? images : `the images in \`${bytes}\``}`
  })
}

const hostOf = (text: string): string => /^https?:\/\/([^/:?#]+)/i.exec(text)?.[1] ?? "HOST"

/** Rows of a sample: enough to tell classes from names. */
export const mostRows = 2000

/** A shard of a Parquet table: `train-00000-of-00002.parquet`. */
const isShard = (file: string): boolean => /(^|[^\d])\d{4,}(-of-\d+)?[^/]*\.parquet$/.test(file)

/** The list to read where there are several; undefined where there is none. */
export const chooseList = ({
  lists,
  named
}: Pick<Place, "lists" | "named">): Result.Result<Place["lists"][number] | undefined, CatalogueUnclear> => {
  const [first, ...others] = lists
  if (first === undefined || others.length === 0) return Result.succeed(first)
  const folderOf = (file: string) => file.slice(0, file.lastIndexOf("/") + 1)
  if (lists.every(({ file, kind }) => kind === "parquet" && isShard(file) && folderOf(file) === folderOf(first.file)))
    return Result.succeed({ file: `${folderOf(first.file)}*.parquet`, kind: "parquet" })
  return Result.fail(
    unclear(
      named,
      "several",
      `there are ${count(lists.length)} lists in it: ${quoted(lists.map(({ file }) => file))}`,
      `Name the one to read, such as ${named.replace(/\/$/, "")}/${first.file}.`
    )
  )
}
