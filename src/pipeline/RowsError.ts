import { Schema } from "effect"
import * as Runtime from "effect/Runtime"

/** The list of rows cannot be read at all: which file, what was found, and what to do. Exit code 3. */
export class RowsError extends Schema.TaggedError<RowsError>()("RowsError", {
  /** The file as it was looked for. */
  file: Schema.String,
  reason: Schema.Literals([
    "fileMissing",
    "notAFile",
    "unreadable",
    "notUtf8",
    "notCsv",
    "notJsonLines",
    "empty",
    "noRows",
    "missingColumn",
    "duplicateColumn",
    "mixedFolders"
  ]),
  /** What was found, and where in the file. */
  detail: Schema.String,
  /** What would mend it. */
  cure: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override readonly [Runtime.errorExitCode] = 3
  override get message() {
    return `${this.file}: ${this.detail}. ${this.cure}`
  }
}
