import { Effect } from "effect"
import type { GroupEnd } from "./Group.ts"
import { promote } from "./halving.ts"
import { plan } from "./plan.ts"
import type { SearchEnd, SearchRounds } from "./Searches.ts"

/**
 * Runs a search, one rung after the other: trains all trials of a rung, in the groups of `plan`; the best of them go
 * on.
 *
 * A resumed search runs it from the beginning, with the known ends.
 */
export const runSearch: SearchRounds = Effect.fn("runSearch")(function* (search, handOut) {
  const { goal, key, rungs } = search
  const ends = new Map<string, SearchEnd["trials"][number]>()
  let passes: GroupEnd["passes"] = { wanted: 0, made: 0 }
  let left = search.trials
  for (const [rung, { keep, until }] of rungs.entries()) {
    const groups = plan(left, search).map((trials, index) => ({
      search: key,
      rung,
      index,
      trials,
      ...(until !== undefined && { until })
    }))
    for (const group of yield* handOut(groups)) {
      passes = { wanted: passes.wanted + group.passes.wanted, made: passes.made + group.passes.made }
      for (const end of group.trials) ends.set(end.id, { ...end, rung })
    }
    const results = left.flatMap(({ id, setting }) => {
      const end = ends.get(id)
      return end === undefined ? [] : [{ ...end, ...(setting !== undefined && { setting }) }]
    })
    const survivors = new Set(promote(results, keep, { goal }))
    left = left.filter(({ id }) => survivors.has(id))
  }
  return { trials: search.trials.flatMap(({ id }) => ends.get(id) ?? []), passes }
})
