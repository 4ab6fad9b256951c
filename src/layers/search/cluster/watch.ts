import { Effect } from "effect"
import { Searches } from "../../../run/search/Searches.ts"
import type { SearchPayload } from "../../../run/search/Searches.ts"
import type { TellNews } from "../../../run/search/SearchNews.ts"
import type { Submitted } from "./ClusterSearches.ts"
import * as ClusterSearches from "./ClusterSearches.ts"

/**
 * Submits a search to a cluster, reports its workers' progress, and returns its end. A search that was submitted before
 * is watched from its beginning.
 *
 * Interrupting it does not interrupt the search: the workers go on.
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
  // The last news may not have been read yet.
  yield* Effect.ignore(listen)
  return end
})
