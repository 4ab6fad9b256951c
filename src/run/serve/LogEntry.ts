import { Schema } from "effect"
import { Column, Unit, Value } from "./ColumnValue.ts"
import { Digest, Instant, Name } from "./Item.ts"

/** What the log's entries record. `ask`: a second opinion is asked for. `release`: a lease is given back unanswered. */
export const Action = Schema.Literals(["answer", "skip", "second", "settle", "return", "release", "undo", "ask"])
export type Action = typeof Action.Type

/** One line of the log: one column of one change. Lines are added, and never changed or removed. */
export const LogEntry = Schema.Struct({
  /** Counts up; gaps are possible. */
  entry: Schema.Natural,
  /** The same for all lines of one change: the columns of one answer, the items that one key confirmed. */
  change: Schema.Natural,
  at: Instant,
  operator: Name,
  action: Action,
  digest: Digest,
  column: Column,
  from: Schema.NullOr(Value),
  to: Schema.NullOr(Value),
  /** The item's version after it. */
  version: Schema.Natural,
  /** Of the live model at that time: also for blind tasks, where they were not shown. */
  model: Schema.NullOr(Name),
  run: Schema.NullOr(Name),
  /**
   * Its first class and its probability; of a column with several values its set, and how sure it is of it: see
   * `certaintyOf`.
   */
  suggested: Schema.NullOr(Value),
  probability: Schema.NullOr(Unit),
  seconds: Schema.NullOr(Schema.Finite),
  /** Whether the suggestions were withheld. */
  blind: Schema.Boolean
})
export type LogEntry = typeof LogEntry.Type
