import { Effect, Schema } from "effect"
import { Workflow } from "effect/workflow"
import { promote } from "./halving.ts"
import type { GroupEnd } from "./Group.ts"
import { TrialEnd } from "./Group.ts"
import { handOut } from "./GroupQueue.ts"
import { plan } from "./plan.ts"

/** What became of a search: every trial of it, in its order. */
export const SearchEnd = Schema.Struct({
  /** `rung`: the last one that it took part in. */
  trials: Schema.Array(Schema.Struct({ ...TrialEnd.fields, rung: Schema.Natural })),
  /** Images through decoding and the frozen part: were each trial alone, and as it was. */
  passes: Schema.Struct({ wanted: Schema.Natural, made: Schema.Natural })
})
export type SearchEnd = typeof SearchEnd.Type

/**
 * A search as a durable workflow: rounds of groups of trials, each group trained by whoever is idle.
 *
 * Its journal has ids, states and figures. Started again after it was stopped or killed, it goes on: a group whose end is
 * in the journal is not handed out again. What runs it is an engine's Layer: in memory, on SQLite, on a cluster.
 */
export const Search = Workflow.make("weft/Search", {
  payload: {
    /** Of this configuration in this folder: a second one with the same key is the same search. */
    key: Schema.String,
    trials: Schema.Array(
      Schema.Struct({ id: Schema.String, pass: Schema.String, frozen: Schema.NullOr(Schema.String) })
    ),
    /** One after the other; after each, so many go on. The last one's trials go to their end. */
    rungs: Schema.NonEmptyArray(Schema.Struct({ until: Schema.optionalKey(Schema.Natural), keep: Schema.Natural })),
    goal: Schema.Literals(["min", "max"]),
    /** Where groups can be trained side by side, and how many whole networks a group may have: see `plan`. */
    places: Schema.Natural,
    most: Schema.Natural
  },
  success: SearchEnd,
  idempotencyKey: ({ key }) => key
})
export type SearchPayload = typeof Search.payloadSchema.Type

/** The workflow's body, for `Search.toLayer`. It is done anew each time that the search goes on. */
export const runSearch = Effect.fn("Search")(function* (search: SearchPayload) {
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
    const survivors = new Set(
      promote(
        left.flatMap(({ id }) => ends.get(id) ?? []),
        keep,
        { goal }
      )
    )
    left = left.filter(({ id }) => survivors.has(id))
  }
  return { trials: search.trials.flatMap(({ id }) => ends.get(id) ?? []), passes }
})
