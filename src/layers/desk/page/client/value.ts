/** What a column holds, as the page compares it. Pure; the server's own rules are in `run/serve/ColumnValue.ts`. */
import type { Value } from "../../../../run/serve/ColumnValue.ts"

/** The classes that a value names. */
export const labelsIn = (value: Value | null): ReadonlyArray<string> =>
  value === null ? [] : typeof value === "string" ? [value] : value

const keyOf = (value: Value | null): string =>
  value === null ? "" : JSON.stringify([...new Set(labelsIn(value))].sort())

/** Whether two values are the same: of sets, whatever their order. */
export const sameValue = (one: Value | null, other: Value | null): boolean => keyOf(one) === keyOf(other)
