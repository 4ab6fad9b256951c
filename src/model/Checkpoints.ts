import { Context, Effect, Layer, Schema } from "effect"
import type { BestWeights, Checkpoint, CheckpointRefused } from "./Checkpoint.ts"
import { make } from "./CheckpointFiles.ts"

/** A file that was passed over, and why; `detail` is for people. */
export interface PassedOver {
  readonly file: string
  readonly reason: CheckpointRefused["reason"]
  readonly detail: string
}

/** Where the state of a run is written down while it trains. */
export class Checkpoints extends Context.Service<
  Checkpoints,
  {
    /**
     * Writes a checkpoint, and then removes all but the last ones. Returns its file's name.
     *
     * It is there completely or not at all; a failure leaves the earlier ones as they were. The best weights that it
     * speaks of must have been saved before it.
     */
    readonly save: (checkpoint: Checkpoint) => Effect.Effect<string, CheckpointError>
    /** Writes the best weights so far in the place of those before. */
    readonly saveBest: (best: BestWeights) => Effect.Effect<string, CheckpointError>
    /** The newest checkpoint that is whole and of this run, and the newer ones that are not. */
    readonly latest: (
      digest: string
    ) => Effect.Effect<
      { readonly checkpoint: Checkpoint | undefined; readonly passedOver: ReadonlyArray<PassedOver> },
      CheckpointError
    >
    /** The best weights, if they are whole and of this run. */
    readonly best: (
      digest: string
    ) => Effect.Effect<
      { readonly best: BestWeights | undefined; readonly passedOver: ReadonlyArray<PassedOver> },
      CheckpointError
    >
  }
>()("weft/model/Checkpoints") {
  /** Checkpoints in memory, as the bytes of their files; the last `keep` stay. */
  static readonly layerMemory = (keep: number, files = new Map<string, Uint8Array>()) =>
    Layer.succeed(
      Checkpoints,
      make(
        {
          list: Effect.sync(() => [...files.keys()]),
          read: (name) => Effect.sync(() => files.get(name)),
          write: (name, bytes) => Effect.sync(() => void files.set(name, bytes)),
          remove: (name) => Effect.sync(() => void files.delete(name))
        },
        keep
      )
    )
}

/** A checkpoint could not be written or looked for: where, why, and what to do. */
export class CheckpointError extends Schema.TaggedError<CheckpointError>()("CheckpointError", {
  path: Schema.String,
  reason: Schema.Literals(["diskFull", "notPermitted", "failed"]),
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}
