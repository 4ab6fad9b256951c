import { Cause, Effect, Schema } from "effect"
import { SqlError } from "effect/sql"

/** The file with a search's queue and journal cannot be used: which file, why, and what to do. */
export class SearchFileError extends Schema.TaggedError<SearchFileError>()("SearchFileError", {
  file: Schema.String,
  detail: Schema.String,
  cure: Schema.String
}) {
  override get message() {
    return `${this.file}: ${this.detail}. ${this.cure}`
  }
}

const startAnew = (file: string) =>
  `Remove it, with ${file}-wal and ${file}-shm where they are there, and resume the search: its trials' results are in trials/, and finished trials are not trained again`

/** By SQLite's own code. Source: https://sqlite.org/rescode.html. */
const faults: Readonly<Record<number, readonly [string, ((file: string) => string)?]>> = {
  5: ["another program uses it", () => "End that program, and resume the search"],
  6: ["another program uses it", () => "End that program, and resume the search"],
  8: [
    "it may not be written",
    () => "Change its permissions, or copy the search's folder to a disk that may be written"
  ],
  10: ["the disk reports a fault", () => "Copy the search's folder to another disk, and resume it there"],
  11: ["it is damaged"],
  13: ["the disk is full", () => "Free some space there, and resume the search"],
  14: ["it cannot be opened", () => "Expected a file that may be read and written, in a folder that may be written"],
  26: ["it is no SQLite database, or is damaged"]
}

const codeOf = (cause: unknown, depth = 0): number | undefined => {
  if (!(cause instanceof Error) || depth > 8) return undefined
  // Extended codes have the plain one in their lowest byte.
  if ("errcode" in cause && typeof cause.errcode === "number") return cause.errcode & 0xff
  return codeOf(cause.cause, depth + 1)
}

const sqlErrorIn = (error: unknown, depth = 0): SqlError.SqlError | undefined => {
  if (SqlError.isSqlError(error)) return error
  return error instanceof Error && depth < 8 ? sqlErrorIn(error.cause, depth + 1) : undefined
}

const explained = (file: string, error: SqlError.SqlError): SearchFileError => {
  const { message } = error
  const [detail, cure = startAnew] = faults[codeOf(error) ?? -1] ?? [
    // A table or column is missing: the file belongs to another program, or to another version of Weft.
    `it is not a search's file, or one of another version (${message.replace(/^SQLite: /, "")})`
  ]
  return new SearchFileError({ file, detail, cure: cure(file) })
}

/** Turns any SQL error of the work, however deep, into a SearchFileError that names the file. */
export const namingSearchFile =
  (file: string) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E | SearchFileError, R> =>
    Effect.catchCause(work, (cause): Effect.Effect<never, E | SearchFileError> => {
      for (const reason of cause.reasons) {
        const error = Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) ? reason.defect : undefined
        const found = sqlErrorIn(error)
        if (found !== undefined) return Effect.fail(explained(file, found))
      }
      return Effect.failCause(cause)
    })
