import { Context, Schema } from "effect"
import type { Effect, Stream } from "effect"
import type { DeskError } from "./DeskFaults.ts"
import type { Retraining } from "./Retraining.ts"

/** A training's process has ended before its run was finished. */
export class TrainingDied extends Schema.TaggedError<TrainingDied>()("TrainingDied", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/** Trains candidates as ordinary runs in processes of their own, and keeps how the newest stands. */
export class Trainings extends Context.Service<
  Trainings,
  {
    /** What was written last; null before. */
    readonly read: Effect.Effect<Retraining | null, DeskError>
    readonly write: (state: Retraining) => Effect.Effect<void, DeskError>
    /** Writes down what a run is trained by; its corrections never change after this, so that it can be gone on with. */
    readonly prepare: (
      name: string,
      config: Readonly<Record<string, unknown>>,
      corrections: Stream.Stream<Uint8Array, DeskError>
    ) => Effect.Effect<void, DeskError>
    /** The folder of a run. */
    readonly folder: (name: string) => string
    /**
     * Trains a prepared run to its end, or goes on with it from its last checkpoint; `tell` is called after each epoch.
     * Interrupted, it ends the process, which leaves a checkpoint.
     */
    readonly train: (name: string, tell: (epoch: number) => Effect.Effect<void>) => Effect.Effect<void, TrainingDied>
  }
>()("weft/run/serve/Trainings") {}
