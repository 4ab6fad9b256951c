import { keyOf } from "./draw.ts"

/** Which of two texts comes first, by UTF-16 code units: the same on every machine, whatever its language. */
export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Code units in the order of their code points: surrogates, which encode the highest ones, come last. */
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800)

/** Which of two texts comes first, by Unicode code points, as Python sorts. */
export const byCodePoint = (a: string, b: string): number => {
  const shorter = Math.min(a.length, b.length)
  for (let i = 0; i < shorter; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i))
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Items with an id, ordered by a hash of seed and id, ties by id; independent of their given order. */
export const hashOrder = <A extends { readonly id: string }>(
  things: ReadonlyArray<A>,
  ...seed: ReadonlyArray<string | number>
): ReadonlyArray<A> =>
  things
    .map((thing) => ({ thing, key: keyOf(...seed, thing.id) }))
    .toSorted((a, b) => a.key - b.key || byCodeUnit(a.thing.id, b.thing.id))
    .map(({ thing }) => thing)
