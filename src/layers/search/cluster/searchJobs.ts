import { Clock, Effect, Ref } from "effect"
import { SqlClient } from "effect/sql"
import type { ProgressEvent } from "../../../pipeline/Progress.ts"
import { report } from "../../../pipeline/Progress.ts"
import type { Group, GroupEnd } from "../../../run/search/Group.ts"
import type { GroupQueueError } from "../../../run/search/Searches.ts"
import { GroupQueue } from "../../../run/search/Searches.ts"
import type { SearchNews } from "../../../run/search/SearchNews.ts"
import type { Job } from "../../cluster/Worker.ts"
import { Unfit } from "../../cluster/Worker.ts"
import type { Submitted } from "./ClusterSearches.ts"
import * as ClusterSearches from "./ClusterSearches.ts"

const note = (line: string) => report({ _tag: "Note", line })

/** A search that this machine can work on. */
export interface Prepared<E, R> {
  /** Digest of all its data. */
  readonly digest: string
  /** Trains a group; `deaths` is the number of workers that died over the group before. */
  readonly train: (
    group: Group,
    tell: (event: ProgressEvent) => Effect.Effect<void>,
    deaths: number
  ) => Effect.Effect<GroupEnd, E, R>
}

/** Prepares a search on this machine; fails where the machine lacks its data or engines. */
export type Prepare<Lacking, E, R> = (
  search: Submitted,
  at: { readonly folder: string; readonly data: string | undefined }
) => Effect.Effect<Prepared<E, R>, Lacking, R>

/**
 * Sends progress to the watchers; progress that is soon out of date, at most once a second. Failures to send are
 * ignored.
 */
const teller = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const last = yield* Ref.make(0)
  return Effect.fnUntraced(function* (search: string, news: SearchNews) {
    const now = yield* Clock.currentTimeMillis
    if (news._tag === "Going" && news.event._tag !== "Epoch" && news.event._tag !== "Note") {
      if (now - (yield* Ref.get(last)) < 1000) return
      yield* Ref.set(last, now)
    } else if (news._tag === "Going") yield* report(news.event)
    yield* ClusterSearches.tell(search, news).pipe(Effect.provideService(SqlClient.SqlClient, sql), Effect.ignore)
  })
})

/**
 * The searches that are not finished, as a worker's jobs. `prepare` prepares a search on this machine, and returns the
 * function that trains its groups; `data` is `data.root` of every trial, as configured where undefined.
 */
export const searchJobs = Effect.fnUntraced(function* <
  Lacking extends { readonly message: string },
  E extends { readonly message: string },
  R
>(prepare: Prepare<Lacking, E, R>, data: string | undefined) {
  const tell = yield* teller
  const groups = yield* GroupQueue
  return Effect.map(ClusterSearches.open, (searches) =>
    searches.map((search): Job<E | GroupQueueError, R | SqlClient.SqlClient> => ({
      what: "search",
      pieces: "groups",
      ...search,
      prepare: Effect.fnUntraced(function* (folder) {
        const { digest, train } = yield* prepare(search, { folder, data })
        if ((yield* ClusterSearches.agreeOnData(search.key, digest)) !== digest)
          return yield* new Unfit({ detail: "its data differ from those of the machine where it began" })
        return (taken) =>
          groups.take(search.key, (group, attempt) =>
            Effect.gen(function* () {
              yield* taken
              yield* note(`search ${search.name}: training ${group.trials.join(", ")}`)
              const end = yield* train(
                group,
                (event) => tell(search.key, { _tag: "Going", trials: group.trials, event }),
                attempt - 1
              )
              yield* tell(search.key, { _tag: "Ended", rung: group.rung, end })
              const states = end.trials.map(({ id, state }) => `${id} ${state}`)
              yield* note(`search ${search.name}: ${states.join(", ")}`)
              return end
            })
          )
      })
    }))
  )
})
