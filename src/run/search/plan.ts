import { Array } from "effect"

/** What is to be known of a trial to say with which others it is trained. */
export interface Passenger {
  readonly id: string
  /** Trials with the same one can share decoded batches. */
  readonly pass: string
  /** Trials with the same one share a frozen part too; null: the whole network is trained. */
  readonly frozen: string | null
}

/** Trials of one pass that are not divided without need: those that share a frozen part, or one that trains everything. */
interface Unit {
  readonly frozen: boolean
  readonly trials: ReadonlyArray<Passenger>
}

const unitsOf = (trials: ReadonlyArray<Passenger>): ReadonlyArray<Unit> =>
  Object.values(Array.groupBy(trials, ({ frozen, id }) => (frozen === null ? `one ${id}` : `frozen ${frozen}`))).map(
    (trials) => ({ frozen: trials[0].frozen !== null, trials })
  )

const sizeOf = (units: ReadonlyArray<Unit>) => units.reduce((sum, { trials }) => sum + trials.length, 0)

/** In two, as even as the units allow, in their order; each part has one at least. */
const halves = (units: ReadonlyArray<Unit>): ReadonlyArray<ReadonlyArray<Unit>> => {
  const unevenness = (at: number) => Math.abs(sizeOf(units.slice(0, at)) - sizeOf(units.slice(at)))
  let at = 1
  for (let i = 2; i < units.length; i++) if (unevenness(i) < unevenness(at)) at = i
  return [units.slice(0, at), units.slice(at)]
}

/** In as few parts as have at most so many whole networks each; frozen parts' trials count as none. */
const within = (units: ReadonlyArray<Unit>, most: number): ReadonlyArray<ReadonlyArray<Unit>> =>
  units.filter(({ frozen }) => !frozen).length <= most ? [units] : halves(units).flatMap((part) => within(part, most))

/**
 * Which trials are trained in one pass.
 *
 * All that share decoded batches go together, for that saves passes; but no more whole networks than `most`, for each
 * takes memory of its own. Where there are then fewer groups than `places` that could work side by side, the largest is
 * divided, until there are enough: between trials that train everything, and between different frozen parts. Trials that
 * share a frozen part are never divided: the pass through it is what takes the time, and each place would make it anew.
 */
export const plan = (
  trials: ReadonlyArray<Passenger>,
  { most, places }: { readonly most: number; readonly places: number }
): ReadonlyArray<Array.NonEmptyReadonlyArray<string>> => {
  const groups = Object.values(Array.groupBy(trials, ({ pass }) => `pass ${pass}`)).flatMap((group) =>
    within(unitsOf(group), most)
  )
  while (groups.length < places) {
    const largest = groups.reduce<number | undefined>(
      (best, units, i) =>
        units.length > 1 && (best === undefined || sizeOf(units) > sizeOf(groups[best] ?? [])) ? i : best,
      undefined
    )
    if (largest === undefined) break
    groups.splice(largest, 1, ...halves(groups[largest] ?? []))
  }
  return groups.flatMap((units) => {
    const ids = units.flatMap(({ trials }) => trials.map(({ id }) => id))
    return Array.isReadonlyArrayNonEmpty(ids) ? [ids] : []
  })
}
