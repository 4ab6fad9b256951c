import { Context, Schema } from "effect"
import type { Effect } from "effect"
import * as Runtime from "effect/Runtime"
import { Objective } from "./objective.ts"
import type { ProgressEvent } from "../../pipeline/Progress.ts"
import { RunConfig } from "../../config/RunConfig.ts"
import type { GroupEnd } from "./Group.ts"

/** A group of trials, with everything that is needed to train it. */
export const GroupWork = Schema.Struct({
  rung: Schema.Natural,
  /** The epochs after which they pause; where left out, they train to their end. */
  until: Schema.optionalKey(Schema.Natural),
  objective: Objective,
  /** `path`: the trial's folder. */
  trials: Schema.NonEmptyArray(Schema.Struct({ id: Schema.String, path: Schema.String, config: RunConfig }))
})
export type GroupWork = typeof GroupWork.Type

/** An error of all trials: the data cannot be used (3), the engine cannot run (4), or something else (1, 2). */
export class TrainerFailed extends Schema.TaggedError<TrainerFailed>()("TrainerFailed", {
  detail: Schema.String,
  /** The exit code that a process would end with. */
  code: Schema.Natural
}) {
  override get [Runtime.errorExitCode]() {
    return this.code
  }
  override get message() {
    return this.detail
  }
}

/** The training process died: out of memory, or killed. */
export class TrainerDied extends Schema.TaggedError<TrainerDied>()("TrainerDied", {
  /** "signal SIGKILL", and its last output. */
  detail: Schema.String
}) {
  override get message() {
    return `the process that trained it died (${this.detail})`
  }
}

/** Trains a search's groups. */
export class Trainers extends Context.Service<
  Trainers,
  {
    /**
     * Trains a group, and reports its progress. Trials that have finished their rung are not trained again.
     *
     * An interruption leaves checkpoints, from which the same group goes on.
     */
    readonly train: (
      work: GroupWork,
      tell: (event: ProgressEvent) => Effect.Effect<void>
    ) => Effect.Effect<GroupEnd, TrainerFailed | TrainerDied>
    /** Checks that this machine has the data and engines of these runs; returns a digest of all their data. */
    readonly check: (configs: ReadonlyArray<RunConfig>) => Effect.Effect<string, TrainerFailed | TrainerDied>
  }
>()("weft/run/search/Trainers") {}
