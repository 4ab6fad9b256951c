import { Clock, Deferred, Effect, FileSystem, Path, Ref, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { ProgressEvent } from "../../../pipeline/Progress.ts"
import { report } from "../../../pipeline/Progress.ts"
import { Machine } from "../../../run/Machine.ts"
import type { Group, GroupEnd } from "../../../run/search/Group.ts"
import { GroupQueue } from "../../../run/search/Searches.ts"
import type { SearchNews } from "../../../run/search/SearchNews.ts"
import type { Submitted } from "./ClusterSearches.ts"
import * as ClusterSearches from "./ClusterSearches.ts"

/** Why a worker takes no work of a search. */
class Unfit extends Schema.TaggedError<Unfit>()("Unfit", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/** The paths of this machine. */
export interface WorkerOptions {
  /** The folder with the searches' folders; undefined: the paths that they were submitted with. */
  readonly folder: string | undefined
  /** `data.root` of every trial; undefined: as configured. */
  readonly data: string | undefined
}

const note = (line: string) => report({ _tag: "Note", line })

/** The open searches; waits up to a minute for a PostgreSQL that is restarting. */
const searches = Effect.retry(ClusterSearches.open, { times: 30, schedule: Schedule.spaced("2 seconds") })

/** How long a worker waits for a group of a search before it looks for other searches. */
const patience = "1500 millis"

/** How soon a search that this machine lacked something for is looked at again. */
const again = 60_000

/** The search's folder as this machine sees it; fails where it is missing, or belongs to another search. */
const folderOf = Effect.fnUntraced(function* (search: Submitted, options: WorkerOptions) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = options.folder === undefined ? search.folder : path.join(options.folder, path.basename(search.folder))
  const key = yield* Effect.option(fs.readFileString(path.join(folder, "cluster-key")))
  if (key._tag === "Some" && key.value.trim() === search.key) return folder
  return yield* new Unfit({
    detail:
      key._tag === "Some"
        ? `the folder ${folder} is another search's`
        : `its folder is not at ${folder}: name the shared folder of this machine with --folder, or share it`
  })
})

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

/** Whether this machine has what a search needs: its folder, data and engines, and the same Weft. */
const fitFor = Effect.fn("Worker.fitFor")(function* <Lacking, E, R>(
  search: Submitted,
  options: WorkerOptions,
  prepare: Prepare<Lacking, E, R>
) {
  const machine = yield* Machine
  const version = machine.versions["weft"]
  if (version !== search.version)
    return yield* new Unfit({ detail: `it was submitted by Weft ${search.version}, and this is ${version}` })
  const folder = yield* folderOf(search, options)
  const prepared = yield* prepare(search, { folder, data: options.data })
  if ((yield* ClusterSearches.agreeOnData(search.key, prepared.digest)) !== prepared.digest)
    return yield* new Unfit({ detail: "its data differ from those of the machine where it began" })
  return prepared
})

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
 * Trains groups of a cluster's searches, one group at a time, the oldest search first, until it is stopped.
 *
 * `prepare` prepares a search on this machine, and returns the function that trains its groups.
 */
export const work = Effect.fn("Worker.work")(function* <
  Lacking extends { readonly message: string },
  E extends { readonly message: string },
  R
>(options: WorkerOptions, prepare: Prepare<Lacking, E, R>) {
  const tell = yield* teller
  const groups = yield* GroupQueue
  const fits = new Map<string, Prepared<E, R>>()
  const unfit = new Map<string, { readonly detail: string; readonly at: number }>()

  const look = Effect.fnUntraced(function* (search: Submitted) {
    const now = yield* Clock.currentTimeMillis
    const before = unfit.get(search.key)
    if (fits.has(search.key) || (before !== undefined && now - before.at < again)) return
    const found = yield* Effect.result(fitFor(search, options, prepare))
    if (found._tag === "Success") {
      fits.set(search.key, found.success)
      return yield* note(`search ${search.name}: this machine has what it needs, and takes groups of it`)
    }
    const detail = found.failure.message
    unfit.set(search.key, { detail, at: now })
    if (detail !== before?.detail)
      yield* note(
        `search ${search.name}: this machine takes no groups of it: ${detail}. It is tried again every minute`
      )
  })

  /** Whether there was a group to train. */
  const takeOne = Effect.fnUntraced(function* (search: Submitted, fit: Prepared<E, R>) {
    const taken = yield* Deferred.make<void>()
    const train = groups.take(search.key, (group, attempt) =>
      Effect.gen(function* () {
        yield* Deferred.succeed(taken, undefined)
        yield* note(`search ${search.name}: training ${group.trials.join(", ")}`)
        const end = yield* fit.train(
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
    const idle = Effect.flatMap(Effect.delay(Deferred.isDone(taken), patience), (isTaken) =>
      isTaken ? Effect.never : Effect.void
    )
    yield* Effect.raceFirst(train, idle).pipe(
      Effect.catch((error) =>
        Effect.gen(function* () {
          // An error of all trials may be this machine's alone: other workers can take the group.
          fits.delete(search.key)
          unfit.set(search.key, { detail: error.message, at: yield* Clock.currentTimeMillis })
          yield* note(`search ${search.name}: ${error.message}. The group is left to others`)
        })
      )
    )
    return yield* Deferred.isDone(taken)
  })

  yield* note("waiting for work")
  while (true) {
    let worked = false
    for (const search of yield* searches) {
      yield* look(search)
      const fit = fits.get(search.key)
      if (fit !== undefined && !worked) worked = yield* takeOne(search, fit)
    }
    if (!worked) yield* Effect.sleep("500 millis")
  }
})
