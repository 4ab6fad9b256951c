import { Schema } from "effect"

/** A run cannot be used for the command. */
export class RunError extends Schema.TaggedError<RunError>()("RunError", {
  run: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.run}: ${this.detail}`
  }
}
