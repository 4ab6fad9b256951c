import { Context, Effect, Layer, Schema } from "effect"
import * as Runtime from "effect/Runtime"

/** A file of a run could not be written or read. */
export class RunFolderError extends Schema.TaggedError<RunFolderError>()("RunFolderError", {
  path: Schema.String,
  reason: Schema.Literals(["missing", "notAFolder", "unwritable", "unreadable", "invalid"]),
  detail: Schema.String
}) {
  /** A file that was named as a folder is a fault of the command line. */
  override get [Runtime.errorExitCode]() {
    return this.reason === "notAFolder" ? 2 : 1
  }
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/** The files of a run: `checkpoints/` is beside them. */
export type RunFile =
  | "config.json"
  | "report.json"
  | "history.jsonl"
  | "ledger.jsonl"
  | "steps.jsonl"
  | "report.html"
  | `report-${"train" | "validation" | "test"}.html`
  | "MODEL_CARD.md"
  | `charts/${string}.svg`
  | "tensorboard/events.out.tfevents.weft"
  | "model/model.safetensors"
  | "predictions/validation.safetensors"
  | "predictions/test.safetensors"
  // Of a search's trial: how far it has come.
  | "trial.json"
  // Of a search's folder, whose trials are runs in `trials/`.
  | "search.json"
  | "trials.csv"
  | "best.toml"

/** Where a run leaves what it made; every file is written atomically. */
export class RunFolder extends Context.Service<
  RunFolder,
  {
    readonly path: string
    readonly has: (file: RunFile) => Effect.Effect<boolean>
    readonly write: (file: RunFile, content: Uint8Array | string) => Effect.Effect<void, RunFolderError>
    readonly read: (file: RunFile) => Effect.Effect<Uint8Array, RunFolderError>
  }
>()("weft/run/RunFolder") {
  /** A folder in memory, for tests and for programs that keep nothing. */
  static readonly layerMemory = Layer.sync(RunFolder, () => {
    const files = new Map<RunFile, Uint8Array>()
    return {
      path: "memory",
      has: (file) => Effect.sync(() => files.has(file)),
      write: (file, content) =>
        Effect.sync(() => {
          files.set(file, typeof content === "string" ? new TextEncoder().encode(content) : content.slice())
        }),
      read: (file) =>
        Effect.suspend(() => {
          const content = files.get(file)
          return content === undefined
            ? Effect.fail(new RunFolderError({ path: file, reason: "missing", detail: "there is no such file" }))
            : Effect.succeed(content)
        })
    }
  })
}
