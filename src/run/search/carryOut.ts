import { Effect } from "effect"
import type { GroupTrainer } from "./groupTrainer.ts"
import { GroupQueue, Searches } from "./Searches.ts"
import type { SearchPayload } from "./Searches.ts"
import type { TellNews } from "./SearchNews.ts"

/**
 * Runs a search on this machine, with `places` groups at a time, and returns its end.
 *
 * Fails with an error of all trials; the search goes on when it is run again.
 */
export const carryOut = Effect.fn("carryOut")(function* (
  search: SearchPayload,
  places: number,
  train: GroupTrainer,
  tell: TellNews
) {
  const searches = yield* Searches
  const groups = yield* GroupQueue
  const take = groups.take(search.key, (group) =>
    Effect.gen(function* () {
      const end = yield* train(group, (event) => tell({ _tag: "Going", trials: group.trials, event }))
      yield* tell({ _tag: "Ended", rung: group.rung, end })
      return end
    })
  )
  const taking = Effect.forEach(
    Array.from({ length: places }, () => Effect.forever(take)),
    (taker) => taker,
    { concurrency: "unbounded" }
  )
  return yield* Effect.raceFirst(searches.end(search), Effect.andThen(taking, Effect.never))
})
