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

/** A path under a folder. */
export const pathUnder = (root: string, path: string): string => (root.endsWith("/") ? root + path : `${root}/${path}`)

/** Where a catalogue's rows are listed, for messages: a file, a pattern of files, or the folder itself. */
export const catalogueFile = (root: string, data: CatalogueKeys): string => {
  if (data.folders === true) return root
  return pathUnder(root, data.jsonl ?? data.parquet ?? data.csv)
}

/** Whether a path stands for itself, whatever the folder. */
const isAbsolute = (path: string): boolean => /^(\/|[A-Za-z]:[/\\])/.test(path)

/** An image's path: under the folder, or as it is where it is absolute. */
export const imagePath = (root: string, image: string): string => (isAbsolute(image) ? image : pathUnder(root, image))

/** What `imagePath` made a path of, given the same folder; an absolute one that lies under the folder is relative to it. */
export const imageFrom = (root: string, path: string): string =>
  path.startsWith(pathUnder(root, "")) ? path.slice(pathUnder(root, "").length) : path

/** The folders that a catalogue's images may lie in. */
export const imageFolders = (root: string, { allow }: Pick<DataConfig, "allow">): ReadonlyArray<string> => [
  root,
  ...(allow ?? [])
]

/** That a list has nothing to read in it. */
export const noRows = (file: string, detail = "there is a header and no row below it"): RowsError =>
  new RowsError({
    file,
    reason: "noRows",
    detail,
    cure: "Expected one row for each image."
  })

/** That a list has not even a header. */
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
     * Every row of the catalogue that `config` names under `root`, in its order; blank lines are no rows. Whatever is no
     * row is a refusal (`malformed`, `missingId`, `missingLabel`, `unknownPart`, `unknownTime`), and the next one is read.
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

/** That there is no list where it was looked for. */
export const fileMissing = (file: string, form: CatalogueForm = "csv"): RowsError =>
  new RowsError({
    file,
    reason: "fileMissing",
    detail: form === "folders" ? "there is no such folder" : "there is no such file",
    cure: findIt[form]
  })
