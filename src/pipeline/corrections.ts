import type { DataConfig } from "./DataConfig.ts"

/** Cells that people corrected: by the row's id, what its columns hold instead. */
export type CorrectedCells = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Answers of a tagging desk, or of whoever wrote the file. */
export interface Corrections {
  readonly cells: CorrectedCells
  /** Images that belong to no row: each becomes a row of its own. */
  readonly uploads: ReadonlyArray<Upload>
}

/** An image that came after the catalogue. */
export interface Upload {
  readonly id: string
  /** The path of its file, absolute. */
  readonly image: string
  /** By column. */
  readonly values: ReadonlyMap<string, string>
}

/** What a source reads: the configuration, and the cells that are other ones than the list has. */
export type Reading = DataConfig & { readonly corrected?: CorrectedCells }
