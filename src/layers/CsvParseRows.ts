import { NodeStream } from "@effect/platform-node"
import { Array as Arr, Effect, Layer, Result, Stream } from "effect"
import { createReadStream } from "node:fs"
import { fileMissing, pathUnder, Rows } from "../pipeline/Rows.ts"
import { RowsError } from "../pipeline/RowsError.ts"
import { report } from "../Progress.ts"
import { makeKindCheck } from "./csv/fileKind.ts"
import { makeLineSplitter } from "./csvLines.ts"
import { makeCsvReader } from "./csvReader.ts"
import { systemFault } from "./storage/systemFault.ts"

/** What went wrong with the file itself. */
const explain = (file: string, cause: unknown): RowsError => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"
  if (code === "ENOENT" || code === "ENOTDIR") return fileMissing(file)
  if (code === "EISDIR")
    return new RowsError({
      file,
      reason: "notAFile",
      detail: "this is a folder",
      cure: "Expected a CSV file; set `data.csv` to its name."
    })
  return new RowsError({
    file,
    reason: "unreadable",
    detail: `the file cannot be read: ${systemFault(cause).detail}`,
    cure: "Check that it is there, and that you may read it.",
    cause
  })
}

/**
 * Rows from a CSV file, read as a stream, so many bytes at a time: RFC 4180, UTF-8 with or without a byte order mark, LF
 * or CRLF.
 *
 * Every line is accounted for; `csvReader.ts` says what becomes of a row that breaks RFC 4180. What is no CSV at all (a
 * workbook, an archive, JSON, a web page, UTF-16) is named. The line `sep=;` of spreadsheet programs is heeded.
 */
export const layerReading = (highWaterMark: number) =>
  Layer.succeed(Rows, {
    read: (root, config) =>
      Stream.suspend(() => {
        const file = pathUnder(root, config.csv)
        const check = makeKindCheck(file)
        const splitter = makeLineSplitter()
        const { notes, read } = makeCsvReader(file, config)
        const last = () =>
          Result.flatMap(check(new Uint8Array(), true), (bytes) => {
            const first = read(splitter.push(bytes), false)
            return Result.flatMap(first, (rows) => Result.map(read(splitter.end(), true), (more) => [...rows, ...more]))
          })
        return NodeStream.fromReadable<Uint8Array, RowsError>({
          evaluate: () => createReadStream(file, { highWaterMark }),
          onError: (cause) => explain(file, cause)
        }).pipe(
          Stream.mapEffect((chunk) =>
            Effect.fromResult(Result.flatMap(check(chunk, false), (bytes) => read(splitter.push(bytes), false)))
          ),
          Stream.concat(
            Stream.fromEffect(
              Effect.suspend(() => Effect.fromResult(last())).pipe(
                Effect.tap(() => Effect.forEach(notes(), (line) => report({ _tag: "Note", line }), { discard: true }))
              )
            )
          ),
          Stream.filter(Arr.isReadonlyArrayNonEmpty),
          Stream.flattenArray
        )
      })
  })

/** As above, in Node's own portions. */
export const layer = layerReading(65_536)
