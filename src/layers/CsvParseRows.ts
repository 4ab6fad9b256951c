import { NodeStream } from "@effect/platform-node"
import { Array as Arr, Effect, Layer, Stream } from "effect"
import { createReadStream } from "node:fs"
import { fileMissing, pathUnder, Rows } from "../pipeline/Rows.ts"
import { RowsError } from "../pipeline/RowsError.ts"
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
 * Every line is accounted for. A record that cannot be read costs its own line: where a quote is opened and not closed,
 * that line is refused and reading goes on with the next one.
 */
export const layerReading = (highWaterMark: number) =>
  Layer.succeed(Rows, {
    read: (root, config) =>
      Stream.suspend(() => {
        const file = pathUnder(root, config.csv)
        const splitter = makeLineSplitter()
        const read = makeCsvReader(file, config)
        return NodeStream.fromReadable<Uint8Array, RowsError>({
          evaluate: () => createReadStream(file, { highWaterMark }),
          onError: (cause) => explain(file, cause)
        }).pipe(
          Stream.mapEffect((chunk) => Effect.fromResult(read(splitter.push(chunk), false))),
          Stream.concat(Stream.fromEffect(Effect.suspend(() => Effect.fromResult(read(splitter.end(), true))))),
          Stream.filter(Arr.isReadonlyArrayNonEmpty),
          Stream.flattenArray
        )
      })
  })

/** As above, in Node's own portions. */
export const layer = layerReading(65_536)
