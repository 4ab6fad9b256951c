import { Context, Layer, Result, Stream } from "effect"
import type { CatalogueForm, CatalogueKeys } from "./catalogueForm.ts"
import { findIt } from "./catalogueForm.ts"
import type { DataConfig } from "./DataConfig.ts"
import { readHeader, rowsForHeader } from "./Header.ts"
import type { Refusal } from "./Ledger.ts"
import type { Row } from "./Row.ts"
import { readRow } from "./Row.ts"
import { RowsError } from "./RowsError.ts"

/** A line of the catalogue: a row, or the refusal of one. */
export type Listed = Result.Result<Row, Refusal>

/** Where a catalogue's rows are listed, for messages: a file, a pattern of files, or the folder itself. */
export const catalogueFile = (root: string, data: CatalogueKeys): string => {
  if (data.folders === true) return root
  return pathUnder(root, data.jsonl ?? data.parquet ?? data.csv)
}

/** Whether a path is the address of an image on a server. */
export const isUrl = (path: string): boolean => /^https?:\/\//i.test(path)

/** Whether a path is absolute, or an address. */
export const isAbsolute = (path: string): boolean => /^(\/|[A-Za-z]:[/\\])/.test(path) || isUrl(path)

/** The path of the list or of an image: under the folder, or as it is where it is absolute. */
export const pathUnder = (root: string, path: string): string => {
  if (isAbsolute(path)) return path
  return root.endsWith("/") ? root + path : `${root}/${path}`
}

/** The inverse of `pathUnder` for the same folder; an absolute path under the folder becomes relative to it. */
export const imageFrom = (root: string, path: string): string =>
  path.startsWith(pathUnder(root, "")) ? path.slice(pathUnder(root, "").length) : path

/** The folders that a catalogue's images may lie in. */
export const imageFolders = (root: string, { allow }: Pick<DataConfig, "allow">): ReadonlyArray<string> => [
  root,
  ...(allow ?? [])
]

/** The error of a list without rows. */
export const noRows = (file: string, detail = "there is a header and no row below it"): RowsError =>
  new RowsError({
    file,
    reason: "noRows",
    detail,
    cure: "Expected one row for each image."
  })

/** The error of a list without a header. */
export const noHeader = (file: string): RowsError =>
  new RowsError({
    file,
    reason: "empty",
    detail: "the file is empty",
    cure: "Expected a header with the columns' names, then one row for each image."
  })

/** Lists the catalogue's rows. */
export class Rows extends Context.Service<
  Rows,
  {
    /**
     * Every row of the catalogue that `config` names under `root`, in its order; blank lines are no rows. A line that is
     * not a row is a refusal (`malformed`, `missingId`, `missingLabel`, `unknownPart`, `unknownTime`), and reading goes on at the next one.
     */
    readonly read: (root: string, config: DataConfig) => Stream.Stream<Listed, RowsError>
  }
>()("weft/pipeline/Rows") {
  /** Tables from memory: path to lines of cells, the header first. A path that is not there is missing. */
  static readonly layerMemory = (tables: ReadonlyMap<string, ReadonlyArray<ReadonlyArray<string>>>) =>
    Layer.succeed(Rows, {
      read: (root, config) => {
        const file = pathUnder(root, config.csv)
        const table = tables.get(file)
        if (table === undefined) return Stream.fail(fileMissing(file))
        const [first, ...lines] = table
        if (first === undefined) return Stream.fail(noHeader(file))
        const header = readHeader(first, config, file, lines.slice(0, rowsForHeader))
        if (Result.isFailure(header)) return Stream.fail(header.failure)
        if (lines.length === 0) return Stream.fail(noRows(file))
        return Stream.fromArray(
          lines.map((cells, index) => readRow(header.success, cells, index + 2, cells.join(config.delimiter ?? ",")))
        )
      }
    })
}

/** The error of a list that does not exist. */
export const fileMissing = (file: string, form: CatalogueForm = "csv"): RowsError =>
  new RowsError({
    file,
    reason: "fileMissing",
    detail: form === "folders" ? "there is no such folder" : "there is no such file",
    cure: findIt[form]
  })
