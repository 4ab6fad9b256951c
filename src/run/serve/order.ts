import { keyOf } from "../../pipeline/draw.ts"
import type { Order } from "./Task.ts"

/** What the order of an item depends on: its digest, and what is known of it now. */
export interface Orderable {
  readonly digest: string
  /** When it came, in milliseconds. */
  readonly came: number
  /** For each column that waits: the two highest probabilities, and the first class; none before the model was asked. */
  readonly suggested: ReadonlyArray<{
    readonly label: string
    readonly first: number
    readonly second: number
    /** What the catalogue or the answer has; null: nothing. */
    readonly value: string | null
  }>
  /** Two operators differ. */
  readonly disputed: boolean
}

/** Uniform in [0, 1), by seed, purpose and digest alone. */
const drawn = (seed: number, purpose: string, digest: string): number => keyOf(seed, purpose, digest) / 2 ** 32

/** Whether an item is shown without suggestions: the same on every server, whatever the order of arrival. */
export const isBlind = (seed: number, share: number, digest: string): boolean => drawn(seed, "blind", digest) < share

/** The least of some numbers; `none` where there are none. */
const least = (numbers: ReadonlyArray<number>, none: number): number =>
  numbers.length === 0 ? none : Math.min(...numbers)

/**
 * An item's place in an order: the lowest first, equal ones by digest. A pure function of seed and state, which the
 * database keeps in indexed columns.
 *
 * - `newest`: the last to come.
 * - `leastMargin`: the smallest difference between the two highest probabilities, of the least certain column; items
 *   without suggestions first.
 * - `surest`: the highest probability, of the least certain column; items without suggestions last.
 * - `disagreement`: disputes first, then those whose value the model doubts most: the probability of another class.
 * - `audit`: a random order by the seed.
 */
export const placeIn: Readonly<Record<Order, (item: Orderable, seed: number) => number>> = {
  newest: ({ came }) => -came,
  leastMargin: ({ suggested }) =>
    least(
      suggested.map(({ first, second }) => first - second),
      -1
    ),
  surest: ({ suggested }) =>
    -least(
      suggested.map(({ first }) => first),
      0
    ),
  disagreement: ({ disputed, suggested }) =>
    disputed
      ? -2
      : least(
          suggested.flatMap(({ first, label, value }) => (value !== null && value !== label ? [-first] : [])),
          0
        ),
  audit: ({ digest }, seed) => drawn(seed, "audit", digest)
}
