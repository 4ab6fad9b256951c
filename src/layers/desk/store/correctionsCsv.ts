import { Effect, Stream } from "effect"
import type { CorrectedCells } from "../../../pipeline/corrections.ts"
import { correctionText } from "../../../pipeline/corrections.ts"
import type { Value } from "../../../run/serve/ColumnValue.ts"
import { textOf } from "../../../run/serve/ColumnValue.ts"
import type { Correction } from "../../../run/serve/Correction.ts"

const columns = ["row", "column", "from", "to", "digest", "image"] as const

const cell = (text: string): string => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/**
 * Corrections as the CSV that `data.corrections` reads: a line for each cell, an upload's with an empty `row`. `imageOf`
 * gives the file of an uploaded image; values of a cell that has several are joined by its column's separator.
 */
export const correctionsCsv = <E>(
  corrections: Stream.Stream<Correction, E>,
  imageOf: (digest: string) => string,
  separators: Readonly<Record<string, string>> = {}
): Stream.Stream<Uint8Array, E> =>
  Stream.make(`${columns.join(",")}\n`).pipe(
    Stream.concat(
      Stream.map(corrections, ({ column, digest, from, row, to }) => {
        const shown = (value: Value) =>
          typeof value === "string" ? value : correctionText(value, separators[column] ?? ";")
        const cells = [
          row ?? "",
          column,
          from === null ? "" : shown(from),
          shown(to),
          digest,
          row === null ? imageOf(digest) : ""
        ]
        return `${cells.map(cell).join(",")}\n`
      })
    ),
    Stream.encodeText
  )

/** Corrections of rows by row and column: what `correctedCsv` writes into the catalogue's file. */
export const cellsOf = <E>(corrections: Stream.Stream<Correction, E>): Effect.Effect<CorrectedCells, E> =>
  Stream.runFold(
    corrections,
    () => new Map<string, Map<string, string>>(),
    (cells, { column, row, to }) => {
      if (row === null) return cells
      const values = cells.get(row) ?? new Map<string, string>()
      return cells.set(row, values.set(column, textOf(to)))
    }
  )
