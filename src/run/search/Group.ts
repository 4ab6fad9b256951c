import { Schema } from "effect"

/** Trials that are trained in one pass, and how far. */
export const Group = Schema.Struct({
  /** The search that they belong to, by its key. */
  search: Schema.String,
  /** From 0: the round of a halving; 0 where there is one round. */
  rung: Schema.Natural,
  /** From 0, among the groups of its rung. */
  index: Schema.Natural,
  /** By id, in the search's order. */
  trials: Schema.NonEmptyArray(Schema.String),
  /** The epochs after which they pause; where left out, they train to their end. */
  until: Schema.optionalKey(Schema.Natural)
})
export type Group = typeof Group.Type

/** A trial's progress as the journal keeps it: no history, no tensor. */
export const TrialEnd = Schema.Struct({
  id: Schema.String,
  state: Schema.Literals(["finished", "paused", "diverged", "failed"]),
  /** The objective; null where there is none. */
  metric: Schema.NullOr(Schema.Finite),
  /** Epochs that were trained. */
  epochs: Schema.Natural,
  /** Why it failed or diverged. */
  detail: Schema.optionalKey(Schema.String)
})
export type TrialEnd = typeof TrialEnd.Type

/** The end of a group: every trial of it, in its order. */
export const GroupEnd = Schema.Struct({
  trials: Schema.Array(TrialEnd),
  /**
   * Images through decoding and the frozen part: as many as the trials alone would have needed (`wanted`), and as many
   * as there were (`made`).
   */
  passes: Schema.Struct({ wanted: Schema.Natural, made: Schema.Natural })
})
export type GroupEnd = typeof GroupEnd.Type
