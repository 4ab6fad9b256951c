import { Schema } from "effect"
import { Column, ColumnValue, Ranked, Value } from "./ColumnValue.ts"
import { Answer, Digest, Instant, ItemState, Name, OpinionState } from "./Item.ts"

/** The order in which items are handed out; see `order.ts`. */
export const Order = Schema.Literals(["newest", "leastMargin", "surest", "disagreement", "audit"])
export type Order = typeof Order.Type

/** The right to answer an item, for a time. Only one operator has it at a time. */
export const Lease = Schema.Struct({
  operator: Name,
  until: Instant,
  /**
   * `first` answer; `second` opinion, without sight of the first; `settle` a dispute, with sight of both; `correct` an
   * answer or the catalogue's label, from an audit list.
   */
  task: Schema.Literals(["first", "second", "settle", "correct"])
})
export type Lease = typeof Lease.Type

/** One column of a task, as the operator may see it. */
export const TaskColumn = Schema.Struct({
  column: Column,
  /** True where it may have several values in a cell: an answer is a list then. */
  several: Schema.optionalKey(Schema.Boolean),
  /** What it holds now; null where nothing, and always for a second opinion. */
  value: Schema.NullOr(Value),
  /** The first classes of the live model; empty where the task is blind. */
  suggestions: Schema.Array(Ranked)
})

/** An item that an operator has leased, with what this operator may see of it. */
export const Task = Schema.Struct({
  digest: Digest,
  name: Name,
  came: Instant,
  lease: Lease,
  /** To be sent with the answer. */
  version: Schema.Natural,
  blind: Schema.Boolean,
  /** Of the suggestions; null where there are none. */
  model: Schema.NullOr(Name),
  run: Schema.NullOr(Name),
  columns: Schema.NonEmptyArray(TaskColumn),
  /** Both answers of a dispute, for `settle`; else empty. */
  opinions: Schema.Array(Answer)
})
export type Task = typeof Task.Type

/** An answer to a task. Columns that are not named stay as they are; null skips a column. */
export const Answering = Schema.Struct({
  digest: Digest,
  version: Schema.Natural,
  values: Schema.NonEmptyArray(ColumnValue),
  /** From the photo's appearance to the key, as the page measured it. */
  seconds: Schema.NullOr(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 86_400 })))
})
export type Answering = typeof Answering.Type

/** An acknowledged change: it is in the log. */
export const Acknowledged = Schema.Struct({
  digest: Digest,
  version: Schema.Natural,
  state: ItemState,
  opinion: OpinionState
})
export type Acknowledged = typeof Acknowledged.Type
