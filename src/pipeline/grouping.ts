import { byCodeUnit } from "./hashOrder.ts"

/** Sets of indexes that are joined, two at a time. Source: Tarjan, 1975, with path halving. */
const makeSets = (size: number) => {
  const parents = Int32Array.from({ length: size }, (_, index) => index)
  const find = (index: number): number => {
    let at = index
    for (;;) {
      const parent = parents[at] ?? at
      if (parent === at) return at
      parents[at] = parents[parent] ?? parent
      at = parents[at] ?? at
    }
  }
  return {
    find,
    join: (a: number, b: number) => {
      const [one, other] = [find(a), find(b)]
      // The smaller index stays the root, so that the sets depend on nothing but the pairs.
      parents[Math.max(one, other)] = Math.min(one, other)
    }
  }
}

/** What ties samples together: the bytes of their images, and what their rows say. */
export interface Tied {
  readonly id: string
  readonly digest: string
  readonly group?: string | undefined
}

/**
 * The groups that a split must not divide: samples with the same bytes, of the same `group`, or of a pair in `similar`
 * (indexes), and whatever these tie together. By id, the name of its group; a sample in no group with another is left out.
 *
 * A group's name depends on its members alone, not on their order: the smallest `group`, or else the smallest id.
 */
export const groupNames = (
  samples: ReadonlyArray<Tied>,
  similar: Iterable<readonly [number, number]> = []
): ReadonlyMap<string, string> => {
  const sets = makeSets(samples.length)
  const first = { digest: new Map<string, number>(), group: new Map<string, number>() }
  samples.forEach((sample, index) => {
    for (const tie of ["digest", "group"] as const) {
      const value = sample[tie]
      if (value === undefined) continue
      const other = first[tie].get(value)
      if (other === undefined) first[tie].set(value, index)
      else sets.join(other, index)
    }
  })
  for (const [one, other] of similar) sets.join(one, other)
  const sizes = new Int32Array(samples.length)
  const names = new Map<number, string>()
  const smallest = (root: number, name: string) => {
    const known = names.get(root)
    if (known === undefined || byCodeUnit(name, known) < 0) names.set(root, name)
  }
  samples.forEach((_, index) => {
    const root = sets.find(index)
    sizes[root] = (sizes[root] ?? 0) + 1
  })
  samples.forEach(({ group }, index) => {
    if (group !== undefined) smallest(sets.find(index), group)
  })
  const grouped = new Set(names.keys())
  samples.forEach(({ id }, index) => {
    const root = sets.find(index)
    // Most samples are alone: they need no name, and a million names take much memory.
    if (!grouped.has(root) && (sizes[root] ?? 0) > 1) smallest(root, id)
  })
  const result = new Map<string, string>()
  samples.forEach(({ id }, index) => {
    const root = sets.find(index)
    const name = names.get(root)
    // A row that is alone in its group is ordered by the group's name all the same: others of the group may come.
    if (name !== undefined) result.set(id, name)
  })
  return result
}
