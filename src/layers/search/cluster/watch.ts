import { Effect } from "effect"
import { Searches } from "../../../run/search/Searches.ts"
import type { SearchPayload } from "../../../run/search/Searches.ts"
import type { TellNews } from "../../../run/search/SearchNews.ts"
import type { Submitted } from "./ClusterSearches.ts"
import * as ClusterSearches from "./ClusterSearches.ts"

/**
 * Submits a search to a cluster, tells how its workers get on, and gives its end. One that was submitted before is
 * watched from its beginning.
 *
 * Interrupted, the search is not: the workers go on.
 */
export const submitAndWatch = Effect.fn("submitAndWatch")(function* (
  search: SearchPayload,
  submitted: Submitted,
  tell: TellNews
) {
  const searches = yield* Searches
  yield* ClusterSearches.submit(submitted)
  let seen = 0
  const listen = Effect.gen(function* () {
    for (const { id, news } of yield* ClusterSearches.newsSince(search.key, seen)) {
      seen = id
      yield* tell(news)
    }
  })
  const end = yield* Effect.raceFirst(
    searches.end(search),
    Effect.forever(Effect.andThen(Effect.ignore(listen), Effect.sleep("500 millis")))
  )
  // What was told last may not have been heard yet.
  yield* Effect.ignore(listen)
  return end
})
