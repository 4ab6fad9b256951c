import { Option, Schema } from "effect"
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

const List = Schema.fromJsonString(Schema.Array(Schema.String))
const decodeList = Schema.decodeUnknownOption(List)

/** The list of a corrected cell that is one in JSON; undefined where it is not. */
export const listIn = (text: string): ReadonlyArray<string> | undefined =>
  text.trimStart().startsWith("[") ? Option.getOrUndefined(decodeList(text)) : undefined

/**
 * Values of a corrected cell as text: joined by the separator. Where that would be read as something else (no value at all,
 * or a value with the separator in it) it is a list in JSON.
 */
export const correctionText = (values: ReadonlyArray<string>, separator: string): string => {
  const joined = values.join(separator)
  const isPlain = values.length > 0 && listIn(joined) === undefined && joined.split(separator).length === values.length
  return isPlain ? joined : JSON.stringify(values)
}
