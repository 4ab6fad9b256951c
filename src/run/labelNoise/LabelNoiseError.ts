import { Schema } from "effect"
import * as Runtime from "effect/Runtime"

/**
 * Labels cannot be judged out of fold: `weights` (the network has no trained ones), `columns` (none has one value in a
 * cell): exit code 2. `classes` (fewer than two are large enough for the folds): exit code 3.
 */
export class LabelNoiseError extends Schema.TaggedError<LabelNoiseError>()("LabelNoiseError", {
  /** Who asks: a key, or a flag. */
  where: Schema.String,
  reason: Schema.Literals(["weights", "columns", "classes"]),
  detail: Schema.String
}) {
  override get [Runtime.errorExitCode]() {
    return this.reason === "classes" ? 3 : 2
  }
  override get message() {
    return `\`${this.where}\` cannot judge the training labels: ${this.detail}`
  }
}
