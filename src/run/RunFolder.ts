import { Context, Effect, Layer, Schema } from "effect"
import * as Runtime from "effect/Runtime"

/**
 * A run's folder or a file of it cannot be used.
 *
 * `notFolder` (it is a file), `busy` (another process is at work in it): exit code 2, nothing was done. `missing`,
 * `unwritable`, `unreadable`, `invalid`, `lost` (another process has taken the run over since): exit code 1.
 */
export class RunFolderError extends Schema.TaggedError<RunFolderError>()("RunFolderError", {
  path: Schema.String,
  reason: Schema.Literals(["missing", "unwritable", "unreadable", "invalid", "notFolder", "busy", "lost"]),
  detail: Schema.String
}) {
  override get [Runtime.errorExitCode]() {
    return this.reason === "notFolder" || this.reason === "busy" ? 2 : 1
  }
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/** The files of a run: `checkpoints/` is beside them. */
export type RunFile =
  | "config.json"
  // What it began on: see `RunEngine`.
  | "engine.json"
  | "report.json"
  | "history.jsonl"
  | "ledger.jsonl"
  // The samples that the run began with.
  | "samples.jsonl"
  // What its parts share: see `Leakage`.
  | "leakage.json"
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

/** A folder that is there once something was trained. */
export type RunSubfolder = "checkpoints"

/** Where a run leaves what it made; every file is written atomically. */
export class RunFolder extends Context.Service<
  RunFolder,
  {
    readonly path: string
    readonly has: (file: RunFile | RunSubfolder) => Effect.Effect<boolean>
    readonly write: (file: RunFile, content: Uint8Array | string) => Effect.Effect<void, RunFolderError>
    readonly read: (file: RunFile) => Effect.Effect<Uint8Array, RunFolderError>
  }
>()("weft/run/RunFolder") {
  /** A folder in memory, for tests and for programs that keep nothing. */
  static readonly layerMemory = Layer.sync(RunFolder, () => {
    const files = new Map<RunFile | RunSubfolder, Uint8Array>()
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

/** Writes a file, unless it has this content already. */
export const writeChanged = Effect.fnUntraced(function* (folder: RunFolder["Service"], file: RunFile, content: string) {
  const before = yield* Effect.option(folder.read(file))
  if (before._tag === "Some" && new TextDecoder().decode(before.value) === content) return
  yield* folder.write(file, content)
})
