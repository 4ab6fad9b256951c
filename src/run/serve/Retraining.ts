import { Schema } from "effect"
import { Instant, Name } from "./Item.ts"
import { Verdict } from "./gate.ts"

/** How a retraining stands; the last one's end stays until the next begins. */
export const Retraining = Schema.Struct({
  state: Schema.Literals(["idle", "waiting", "training", "judging", "promoted", "heldBack", "failed", "stopped"]),
  /** The run's folder name; null where none was begun. */
  run: Schema.NullOr(Schema.String),
  /** Who asked for it; null: it began by itself, after so many answers. */
  by: Schema.NullOr(Name),
  began: Schema.NullOr(Instant),
  ended: Schema.NullOr(Instant),
  epoch: Schema.Natural,
  epochs: Schema.Natural,
  /** Answers since the last training, and after how many the next begins by itself; null: by hand alone. */
  answers: Schema.Natural,
  after: Schema.NullOr(Schema.Natural),
  /** What happened, for people: why it failed, why the candidate was held back. */
  detail: Schema.NullOr(Schema.String),
  verdict: Schema.NullOr(Verdict)
})
export type Retraining = typeof Retraining.Type

/** Before the first one. */
export const idle: Retraining = {
  state: "idle",
  run: null,
  by: null,
  began: null,
  ended: null,
  epoch: 0,
  epochs: 0,
  answers: 0,
  after: null,
  detail: null,
  verdict: null
}
