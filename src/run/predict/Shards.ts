import { Schema } from "effect"
import type { Effect } from "effect"

/** The end of a shard: how many of its files were predicted, and how many could not be read. */
export const ShardEnd = Schema.Struct({ read: Schema.Natural, refused: Schema.Natural })
export type ShardEnd = typeof ShardEnd.Type

/** A prediction in shards that this machine can work on. */
export interface ShardPredictor<E, R> {
  /** What computes here: other machines' shards must have been computed by the same. */
  readonly computes: string
  readonly shards: number
  /** Predicts a shard and writes its file. `tell` gets the number of its files that are done. */
  readonly predict: (shard: number, tell: (done: number) => Effect.Effect<void>) => Effect.Effect<ShardEnd, E, R>
}

/** News of a prediction from its workers to those who wait for it. */
export const ShardNews = Schema.Union([
  /** A worker has predicted so many files of a shard; also its sign of life. */
  Schema.TaggedStruct("Working", { worker: Schema.String, shard: Schema.Natural, done: Schema.Natural }),
  Schema.TaggedStruct("Finished", { worker: Schema.String, shard: Schema.Natural, end: ShardEnd }),
  /** The workers die over a shard. */
  Schema.TaggedStruct("GivenUp", { shard: Schema.Natural, detail: Schema.String }),
  Schema.TaggedStruct("Note", { line: Schema.String })
])
export type ShardNews = typeof ShardNews.Type

/** A prediction in shards: files that are done, of all. */
export interface Predicting {
  readonly done: number
  readonly total: number
  readonly photosPerSecond: number
  readonly secondsLeft: number | undefined
  /** The workers that have been heard of lately; undefined where this process predicts. */
  readonly workers: number | undefined
}

declare module "../../pipeline/Progress.ts" {
  interface ProgressEvents {
    readonly Predicting: Predicting
  }
}
