import { Array } from "effect"

/** The facts of a trial that decide which others it is trained with. */
export interface Passenger {
  readonly id: string
  /** Trials with the same one can share decoded batches. */
  readonly pass: string
  /** Trials with the same one share a frozen part too; null: the whole network is trained. */
  readonly frozen: string | null
  /** The setting that it repeats. */
  readonly setting?: string
}

/** Trials that are kept in one pass: those that share a frozen part, or a single one that trains its whole network. */
interface Unit {
  readonly frozen: boolean
  readonly trials: ReadonlyArray<Passenger>
}

const unitsOf = (trials: ReadonlyArray<Passenger>): ReadonlyArray<Unit> =>
  Object.values(Array.groupBy(trials, ({ frozen, id }) => (frozen === null ? `one ${id}` : `frozen ${frozen}`))).map(
    (trials) => ({ frozen: trials[0].frozen !== null, trials })
  )

const sizeOf = (units: ReadonlyArray<Unit>) => units.reduce((sum, { trials }) => sum + trials.length, 0)

/** Divides units into two parts, as evenly as possible, in their order; each part has at least one. */
const halves = (units: ReadonlyArray<Unit>): ReadonlyArray<ReadonlyArray<Unit>> => {
  const unevenness = (at: number) => Math.abs(sizeOf(units.slice(0, at)) - sizeOf(units.slice(at)))
  let at = 1
  for (let i = 2; i < units.length; i++) if (unevenness(i) < unevenness(at)) at = i
  return [units.slice(0, at), units.slice(at)]
}

/**
 * Divides units into as few parts as possible with at most `most` whole networks each; trials with a frozen part do not
 * count.
 */
const within = (units: ReadonlyArray<Unit>, most: number): ReadonlyArray<ReadonlyArray<Unit>> =>
  units.filter(({ frozen }) => !frozen).length <= most ? [units] : halves(units).flatMap((part) => within(part, most))

/**
 * Which trials are trained in one pass.
 *
 * Trials that can share decoded batches go together, which saves passes; but at most `most` whole networks, because
 * each takes memory of its own. Where there are then fewer groups than `places`, the largest group is divided until
 * there are enough: between trials that train their whole network, and between different frozen parts. Trials that
 * share a frozen part stay together: the pass through it takes most of the time, and each place would repeat it.
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
