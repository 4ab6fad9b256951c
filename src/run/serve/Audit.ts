import { Schema } from "effect"
import { Column, Unit, Value } from "./ColumnValue.ts"
import { Item } from "./Item.ts"

/** The audit lists: what may be wrong, and can be mended here. */
export const AuditList = Schema.Literals(["labelErrors", "conflicts", "disagreements", "skipped", "history"])
export type AuditList = typeof AuditList.Type

/** A line of an audit list. */
export const AuditEntry = Schema.Struct({
  item: Item,
  column: Column,
  /** The second value: the model's class, the other row's label, the second opinion. */
  other: Schema.NullOr(Value),
  /** What the list is ordered by, from 0 to 1: the model's probability of `other`; 0 where it has none. */
  probability: Unit
})
export type AuditEntry = typeof AuditEntry.Type
