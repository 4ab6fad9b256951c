import { Context, Schema } from "effect"
import type { Effect, Scope } from "effect"
import type { RunConfig } from "../config/RunConfig.ts"
import type { EpochRecord, Report } from "../metrics/Report.ts"
import type { Batch } from "../pipeline/Batch.ts"
import type { LabelColumn } from "../pipeline/LabelColumn.ts"
import type { RunFolder } from "./RunFolder.ts"

/** A run that has begun, or goes on, as those who log it see it. */
export interface LoggedRun {
  readonly folder: RunFolder["Service"]
  /** The trial's id, where the run is one of many. */
  readonly trial: string | undefined
  readonly config: RunConfig
  /** The names of the first label column's classes, in the order of their indexes. */
  readonly labels: ReadonlyArray<string>
  /** The label columns, in the order of their logits. */
  readonly columns: ReadonlyArray<LabelColumn>
  readonly samples: { readonly train: number; readonly validation: number; readonly test: number }
  readonly network: string
  readonly parameters: number
  readonly engine: { readonly name: string; readonly device: string }
  /** The epochs that were done before. */
  readonly history: ReadonlyArray<EpochRecord>
  /** The training's very first batch, with the augmentation of the first epoch; made when it is asked for. */
  readonly firstBatch: Effect.Effect<Batch, Error>
}

/** How a run ended: `stopped` was interrupted, or paused among trials, and can go on. */
export type RunEnd =
  | { readonly state: "finished"; readonly report: Report }
  | { readonly state: "stopped" }
  | { readonly state: "failed"; readonly detail: string }

/** A logger could not follow a run: what failed, as a sentence. It becomes a note, and the run goes on. */
export class RunLogError extends Schema.TaggedError<RunLogError>()("RunLogError", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/** Follows one run. */
export interface RunLog {
  /** An epoch is done, and its checkpoint written; the last of `history` is its record. */
  readonly epoch: (history: ReadonlyArray<EpochRecord>) => Effect.Effect<void, Error>
  readonly ended: (end: RunEnd) => Effect.Effect<void, Error>
}

/**
 * Writes or sends somewhere what a run does while it goes on. It follows a run until the Scope closes; undefined: it does
 * not follow this one. What fails in it is a note, and the run goes on.
 */
export type RunLogger = (run: LoggedRun) => Effect.Effect<RunLog | undefined, Error, Scope.Scope>

/** Who follows runs; nobody unless a Layer says who. */
export const RunLoggers = Context.Reference<ReadonlyArray<RunLogger>>("weft/run/RunLoggers", { defaultValue: () => [] })
