import { Context, Effect, Layer, Schema } from "effect"
import * as Runtime from "effect/Runtime"

/**
 * A run's folder or a file of it cannot be used.
 *
 * `notFolder` (it is a file), `busy` (another process works in it): exit code 2, nothing was done. `missing`,
 * `unwritable`, `unreadable`, `invalid`, `lost` (another process has taken the run over): exit code 1.
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
  // The configurations that it had before it was trained longer: see `former.ts`.
  | "former.json"
  // The engine that it began on: see `RunEngine`.
  | "engine.json"
  | "report.json"
  | "history.jsonl"
  | "ledger.jsonl"
  // The samples that the run began with.
  | "samples.jsonl"
  // What its parts share: see `Leakage`.
  | "leakage.json"
  // The training labels that are softened or left out: see `LabelNoise`.
  | "label-noise.json"
  | "steps.jsonl"
  | "report.html"
  | `report-${"train" | "validation" | "test"}.html`
  | "MODEL_CARD.md"
  | `charts/${string}.svg`
  | "tensorboard/events.out.tfevents.weft"
  // What the network was given first, for the page.
  | "first-batch.json"
  // Where it looked when it was wrong, for the page.
  | "occlusion.json"
  | "predictions.csv"
  | "mistakes.csv"
  // Which run of an MLflow server it is.
  | "mlflow.json"
  | "model/model.safetensors"
  // Of the network `onnx`: its frozen part.
  | "model/backbone.onnx"
  | "predictions/validation.safetensors"
  | "predictions/test.safetensors"
  // A trial's progress in its search.
  | "trial.json"
  // Of a search's folder, whose trials are runs in `trials/`.
  | "search.json"
  | "trials.csv"
  // Where every setting of a search is trained several times.
  | "settings.csv"
  | "best.toml"
  // Of a prediction in shards, whose models are runs in `models/`.
  | "prediction.json"
  | `lists/${string}.json`
  | `shards/${string}.jsonl`
  | `shards/${string}.f32`

/** A folder that exists once something was trained. */
export type RunSubfolder = "checkpoints"

/** The folder of a run's results; every file is written atomically, unless it is appended to. */
export class RunFolder extends Context.Service<
  RunFolder,
  {
    readonly path: string
    readonly has: (file: RunFile | RunSubfolder) => Effect.Effect<boolean>
    readonly write: (file: RunFile, content: Uint8Array | string) => Effect.Effect<void, RunFolderError>
    /**
     * Adds to the end of a file that somebody may be reading, and flushes it; makes the file where there is none. A kill
     * may leave a part of what was added.
     */
    /**
     * Writes a large file that other runs have too, under a name that its content decides (`digest`). Where the disk can,
     * it is there once for all of them, and stays when any of them is removed.
     */
    readonly share: (
      file: RunFile,
      content: Uint8Array<ArrayBuffer>,
      digest: string
    ) => Effect.Effect<void, RunFolderError>
    readonly append: (file: RunFile, content: Uint8Array) => Effect.Effect<void, RunFolderError>
    readonly read: (file: RunFile) => Effect.Effect<Uint8Array, RunFolderError>
    /** Nothing happens where there is no such file. */
    readonly remove: (file: RunFile) => Effect.Effect<void, RunFolderError>
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
      share: (file, content) => Effect.sync(() => void files.set(file, content)),
      append: (file, content) =>
        Effect.sync(() => {
          files.set(file, Uint8Array.from([...(files.get(file) ?? []), ...content]))
        }),
      read: (file) =>
        Effect.suspend(() => {
          const content = files.get(file)
          return content === undefined
            ? Effect.fail(new RunFolderError({ path: file, reason: "missing", detail: "there is no such file" }))
            : Effect.succeed(content)
        }),
      remove: (file) => Effect.sync(() => void files.delete(file))
    }
  })
}

/** Writes a file, unless it has this content already. */
export const writeChanged = Effect.fnUntraced(function* (folder: RunFolder["Service"], file: RunFile, content: string) {
  const before = yield* Effect.option(folder.read(file))
  if (before._tag === "Some" && new TextDecoder().decode(before.value) === content) return
  yield* folder.write(file, content)
})
