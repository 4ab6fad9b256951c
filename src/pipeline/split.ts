import { apportion } from "./apportion.ts"
import type { SplitConfig } from "./DataConfig.ts"
import { keyOf } from "./draw.ts"
import { countLabels } from "./filter.ts"
import { byCodeUnit } from "./hashOrder.ts"

/** The three parts of a dataset, each in the order of its ids. */
export interface Parts<A> {
  readonly train: ReadonlyArray<A>
  readonly validation: ReadonlyArray<A>
  readonly test: ReadonlyArray<A>
}

/** The parts, and what a person should know of them. */
export interface Division<A> {
  readonly parts: Parts<A>
  readonly notes: ReadonlyArray<string>
}

/** Indexes of the parts, in the order in which ties are decided: a class without a test sample has no metrics. */
const tieOrder = [0, 2, 1]

export type Label = string | number

/** What a division works on. */
interface Divisible {
  readonly id: string
  readonly label: Label
}

/** Samples that stay together. */
interface Group<A> {
  readonly name: string
  readonly key: number
  readonly members: Array<A>
  /**
   * How many members each class has. Absent where all are of one class, as in most groups: a million maps would take much
   * memory.
   */
  counts?: Map<Label, number>
}

/** How many of a group's members each class has. */
const countsOf = <A extends Divisible>({ counts, members }: Group<A>): Iterable<readonly [Label, number]> => {
  if (counts !== undefined) return counts
  const [first] = members
  return first === undefined ? [] : [[first.label, members.length]]
}

/** What of a class is still to be placed. */
interface ClassState {
  /** How many samples each part should have, and how many are still wanted there; below 0 where it has too many. */
  readonly quota: ReadonlyArray<number>
  readonly wanted: Array<number>
  /** Groups of the class that each part has, and those without a part. */
  readonly placed: Array<number>
  left: number
}

/** Parts that should have the class, and do not yet. */
const lacking = ({ placed, quota }: ClassState, tieOrder: ReadonlyArray<number>): ReadonlyArray<number> =>
  tieOrder.filter((part) => (quota[part] ?? 0) > 0 && placed[part] === 0)

/**
 * Divides samples into three parts, class by class, and keeps every group in one part. `groups` has the name of each
 * sample's group by its id; a sample that is not in it is a group of its own.
 *
 * Within a class, the groups are ordered by a hash of (seed, name): the first go to `train`, the next to `validation`, the
 * last to `test`. A class's counts are its shares of the samples, rounded (largest remainder), and at least one in each part
 * whose share is not 0; a class needs as many samples as there are such parts. Without larger groups these counts are met
 * exactly. Independent of the samples' order.
 *
 * Where groups differ in size, a border between two parts lies where it is nearest to the count. Groups that no border can
 * suit are placed before the others, the largest first and then by hash: those with more members than the smallest part
 * wants of the class, and those of several classes. Each goes where, with half of it placed, the largest share of what its
 * classes should have is still missing (Webster's method), among the parts that still want some of them. Hence
 * - a part's count of a class whose groups are all of that class differs from its share by at most twice its largest group;
 * - a class with as many groups as there are parts, which have no other class's samples, reaches every part. Of groups with
 *   several classes this cannot be promised.
 *
 * Time is O(n log n), memory O(n).
 */
export const split = <A extends Divisible>(
  samples: ReadonlyArray<A>,
  config: Pick<SplitConfig, "train" | "validation" | "test">,
  seed: number,
  groups: ReadonlyMap<string, string> = new Map()
): Parts<A> => {
  const quotas = new Map(
    Array.from(countLabels(samples), ([label, size]) => [
      label,
      apportion(size, [config.train, config.validation, config.test], 1)
    ])
  )
  const [train = [], validation = [], test = []] = distribute(samples, {
    quotas,
    tieOrder,
    keyOf: (name) => keyOf(seed, name),
    groups
  })
  return { train, validation, test }
}

/** How samples are distributed over parts. */
export interface Distribution {
  /** How many samples of each class every part should have; of a class, as many as there are samples in all. */
  readonly quotas: ReadonlyMap<Label, ReadonlyArray<number>>
  /** Indexes of all parts, in the order in which ties are decided. */
  readonly tieOrder: ReadonlyArray<number>
  /** Orders the groups, by their names. */
  readonly keyOf: (name: string) => number
  /** The name of each sample's group by its id. */
  readonly groups: ReadonlyMap<string, string>
}

/**
 * Distributes samples over any number of parts, each in the order of its ids, and keeps every group in one part; see
 * `split`, which has three.
 */
export const distribute = <A extends Divisible>(
  samples: ReadonlyArray<A>,
  { groups, keyOf, quotas, tieOrder }: Distribution
): ReadonlyArray<ReadonlyArray<A>> => {
  const result = tieOrder.map((): Array<A> => [])
  const states = new Map<Label, ClassState>()
  for (const [label, quota] of quotas)
    states.set(label, { quota, wanted: [...quota], placed: tieOrder.map(() => 0), left: 0 })

  const awkward: Array<Group<A>> = []
  const plain = new Map<Label, Array<Group<A>>>()
  for (const group of groupsOf(samples, groups, keyOf)) {
    const [[label, size] = [undefined, 0]] = countsOf(group)
    for (const [one] of countsOf(group)) stateOf(states, one).left += 1
    if (label === undefined) continue
    const least = Math.min(...stateOf(states, label).quota.filter((count) => count > 0))
    if (group.counts !== undefined || (size > 1 && size > least)) awkward.push(group)
    else {
      const others = plain.get(label)
      if (others === undefined) plain.set(label, [group])
      else others.push(group)
    }
  }

  const place = (group: Group<A>, part: number) => {
    for (const [label, size] of countsOf(group)) {
      const state = stateOf(states, label)
      state.wanted[part] = (state.wanted[part] ?? 0) - size
      state.placed[part] = (state.placed[part] ?? 0) + 1
      state.left -= 1
    }
    for (const member of group.members) result[part]?.push(member)
  }

  for (const group of awkward.sort((a, b) => b.members.length - a.members.length || byKey(a, b)))
    place(group, awkwardPart(countsOf(group), states, tieOrder))
  for (const [label, ordered] of plain) {
    const chosen = fill(ordered.sort(byKey), stateOf(states, label), tieOrder)
    ordered.forEach((group, index) => place(group, chosen[index] ?? 0))
  }
  return result.map((members) => members.sort((a, b) => byCodeUnit(a.id, b.id)))
}

const byKey = (a: Pick<Group<unknown>, "key" | "name">, b: Pick<Group<unknown>, "key" | "name">) =>
  a.key - b.key || byCodeUnit(a.name, b.name)

const stateOf = (states: ReadonlyMap<Label, ClassState>, label: Label): ClassState =>
  states.get(label) ?? { quota: [], wanted: [], placed: [], left: 0 } // there is one for every label

const groupsOf = <A extends Divisible>(
  samples: ReadonlyArray<A>,
  names: ReadonlyMap<string, string>,
  keyOf: Distribution["keyOf"]
): Iterable<Group<A>> => {
  const named = new Map<string, Group<A>>()
  const alone: Array<Group<A>> = []
  for (const sample of samples) {
    const name = names.get(sample.id)
    const known = name === undefined ? undefined : named.get(name)
    if (known !== undefined) {
      const first = known.members[0]?.label
      if (known.counts === undefined && first !== undefined && first !== sample.label)
        known.counts = new Map([[first, known.members.length]])
      known.counts?.set(sample.label, (known.counts.get(sample.label) ?? 0) + 1)
      known.members.push(sample)
      continue
    }
    const group: Group<A> = {
      name: name ?? sample.id,
      key: keyOf(name ?? sample.id),
      members: [sample]
    }
    if (name === undefined) alone.push(group)
    else named.set(name, group)
  }
  return [...alone, ...named.values()]
}

/** Where a group goes whose members no border between two parts can suit. */
const awkwardPart = (
  counts: Iterable<readonly [Label, number]>,
  states: ReadonlyMap<Label, ClassState>,
  tieOrder: ReadonlyArray<number>
): number => {
  const classes = Array.from(counts, ([label, size]) => ({ size, state: stateOf(states, label) }))
  const candidates = tieOrder.filter((part) => classes.some(({ state }) => (state.quota[part] ?? 0) > 0))
  /** How many of the group's classes could not reach every part any more if it did not go there. */
  const forced = (part: number) =>
    classes.filter(({ state }) => {
      const missing = lacking(state, tieOrder)
      return state.left <= missing.length && missing.includes(part)
    }).length
  const isWanted = (part: number) =>
    classes.reduce((sum, { size, state }) => sum + size * (state.wanted[part] ?? 0), 0) > 0 ? 1 : 0
  const share = (part: number) =>
    classes.reduce((sum, { size, state }) => {
      const quota = state.quota[part] ?? 0
      return quota === 0 ? sum : sum + (size * ((state.wanted[part] ?? 0) - size / 2)) / quota
    }, 0)
  const [best = 0] = candidates
    .map((part, order) => ({ part, order, forced: forced(part), isWanted: isWanted(part), share: share(part) }))
    .sort((a, b) => b.forced - a.forced || b.isWanted - a.isWanted || b.share - a.share || a.order - b.order)
    .map(({ part }) => part)
  return best
}

/** The part of each of a class's groups, in their order: each border is where it is nearest to the count. */
const fill = <A>(
  ordered: ReadonlyArray<Group<A>>,
  state: ClassState,
  tieOrder: ReadonlyArray<number>
): ReadonlyArray<number> => {
  const total = ordered.reduce((sum, { members }) => sum + members.length, 0)
  const open = state.wanted.map((count) => Math.max(0, count))
  const all = open.reduce((sum, count) => sum + count, 0)
  let reached = 0
  const borders = open.slice(0, -1).map((count) => {
    reached += count
    return (total * reached) / all
  })
  let before = 0
  const chosen = ordered.map(({ members }): number => {
    const middle = before + members.length / 2
    before += members.length
    const part = borders.findIndex((border) => middle < border)
    return part === -1 ? borders.length : part
  })
  const placed = open.map((_, part) => (state.placed[part] ?? 0) + chosen.filter((one) => one === part).length)
  for (const part of tieOrder) {
    if ((state.quota[part] ?? 0) === 0 || placed[part] !== 0) continue
    // The nearest group of the part that has the most of them, and keeps one.
    const [donor] = tieOrder
      .filter((other) => (placed[other] ?? 0) > 1 && chosen.includes(other))
      .sort((a, b) => (placed[b] ?? 0) - (placed[a] ?? 0))
    if (donor === undefined) continue
    chosen[part > donor ? chosen.lastIndexOf(donor) : chosen.indexOf(donor)] = part
    placed[donor] = (placed[donor] ?? 0) - 1
    placed[part] = 1
  }
  return chosen
}
