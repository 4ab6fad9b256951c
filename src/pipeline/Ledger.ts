import { Schema } from "effect"
import { ImageFault } from "./Images.ts"

/** Why a row is not among the samples. The faults count against `data.maxRefused`; the choices do not. */
export const Fault = Schema.Literals(["malformed", "missingId", "missingLabel", "duplicateId", ...ImageFault.literals])
export const Choice = Schema.Literals(["labelNotAllowed", "classTooSmall", "overLimit"])
export const Reason = Schema.Literals([...Fault.literals, ...Choice.literals])
export type Reason = typeof Reason.Type

/** One row that is not among the samples, as `ledger.jsonl` has it, a line each. */
export const Refusal = Schema.Struct({
  line: Schema.Int,
  reason: Reason,
  id: Schema.optionalKey(Schema.String),
  label: Schema.optionalKey(Schema.String),
  /** The row's own text, where it could not be read as a row. */
  text: Schema.optionalKey(Schema.String),
  detail: Schema.String
})
export type Refusal = typeof Refusal.Type

/** What became of every row: `listed = kept + refusals`. */
export interface Ledger {
  readonly listed: number
  readonly kept: number
  readonly refusals: ReadonlyArray<Refusal>
}
