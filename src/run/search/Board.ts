import { Clock, Effect, Ref } from "effect"
import { promote } from "./halving.ts"
import type { SearchResult } from "./SearchResult.ts"
import { stateSoFar, withTrial } from "./SearchResult.ts"
import { report } from "../../pipeline/Progress.ts"
import { RunFolder } from "../RunFolder.ts"
import { Runs } from "../Runs.ts"
import type { TrialEnd } from "./Group.ts"
import type { Trial } from "./points.ts"
import type { SearchEnd } from "./Searches.ts"
import { writeSearch } from "./searchFile.ts"
import type { SearchNews } from "./SearchNews.ts"
import { readRecord } from "./TrialRecord.ts"
import { trialFolder } from "./groupTrainer.ts"

/** A trial's end as its search sees it: a paused trial waits for the others of its rung. */
const stateOf = ({ state }: TrialEnd) => (state === "paused" ? "waiting" : state)

const ended = (search: SearchResult, rung: number, end: TrialEnd): SearchResult =>
  withTrial(search, end.id, {
    state: stateOf(end),
    rung,
    metric: end.metric,
    ...(end.detail !== undefined && { detail: end.detail })
  })

/** At a rung's end, the best go on and the others are stopped; before it, nothing. */
const decided = (search: SearchResult, rung: number, ends: ReadonlyMap<string, TrialEnd>): SearchResult => {
  const keep = search.rungs[rung]?.keep
  const of = search.trials.filter((trial) => trial.rung === rung)
  const results = of.flatMap(({ id, repetition }) => {
    const end = ends.get(id)
    return end === undefined ? [] : [{ ...end, ...(repetition !== undefined && { setting: repetition.setting }) }]
  })
  if (keep === undefined || rung + 1 >= search.rungs.length || results.length < of.length) return search
  const survivors = new Set(promote(results, keep, search.config.objective))
  return results.reduce(
    (next, { id, state }) =>
      state !== "paused" ? next : withTrial(next, id, survivors.has(id) ? { rung: rung + 1 } : { state: "stopped" }),
    search
  )
}

/** A resumed search: trials that were running wait again. */
const awakened = (search: SearchResult): SearchResult => ({
  ...search,
  trials: search.trials.map((trial) => (trial.state === "running" ? { ...trial, state: "waiting" } : trial))
})

/**
 * A search's state, reported and written into its folder as its news arrive.
 *
 * `search` is its state when it was left, or before its first trial. The final state is read from the trials' own
 * folders.
 */
export const openBoard = Effect.fn("openBoard")(function* (search: SearchResult, trials: ReadonlyArray<Trial>) {
  const folder = yield* RunFolder
  const start = yield* Clock.currentTimeNanos
  const state = yield* Ref.make(awakened(search))
  const written = yield* Ref.make(start)
  const ends = new Map<string, TrialEnd>()
  const trains = new Map(trials.map(({ config, id }) => [id, config.train]))
  const notes = new Set<string>()

  const change = Effect.fnUntraced(function* (next: (search: SearchResult) => SearchResult, isLast = false) {
    const now = yield* Clock.currentTimeNanos
    const seconds = search.seconds + Number(now - start) / 1e9
    const current = yield* Ref.updateAndGet(state, (before) => ({ ...next(before), seconds }))
    yield* report({ _tag: "Trials", search: current })
    // The trials' own folders have everything: this file may be a second behind.
    if (!isLast && now - (yield* Ref.get(written)) < 1_000_000_000n) return
    yield* Ref.set(written, now)
    yield* writeSearch(current).pipe(Effect.provideService(RunFolder, folder))
  })

  const hear = Effect.fnUntraced(function* (news: SearchNews) {
    if (news._tag === "Ended") {
      const { end, rung } = news
      for (const trial of end.trials) ends.set(trial.id, trial)
      return yield* change((search) => {
        const passes = {
          wanted: search.passes.wanted + end.passes.wanted,
          made: search.passes.made + end.passes.made
        }
        const next = end.trials.reduce((next, trial) => ended(next, rung, trial), { ...search, passes })
        return decided(next, rung, ends)
      })
    }
    const { event, trials: ids } = news
    const { trials: now } = yield* Ref.get(state)
    const beginning = now.filter(({ id, state }) => state === "waiting" && ids.includes(id))
    if (beginning.length > 0)
      yield* change((search) => beginning.reduce((next, { id }) => withTrial(next, id, { state: "running" }), search))
    if (event._tag === "Epoch" && event.trial !== undefined) {
      const { record, trial: id } = event
      const train = trains.get(id)
      if (train === undefined) return
      return yield* change((search) => {
        const before = search.trials.find((trial) => trial.id === id)?.history ?? []
        const history = [...before.filter(({ epoch }) => epoch !== record.epoch), record]
        return withTrial(search, id, stateSoFar(train, history, search.config.objective))
      })
    }
    const line = event._tag === "Note" ? `${event.trial ?? ""} ${event.line}` : undefined
    if (line !== undefined && notes.has(line)) return
    if (line !== undefined) notes.add(line)
    yield* report(event)
  })

  /** Writes search.json. A failure is tried again with the next news, and at the end. */
  const tell = (news: SearchNews) =>
    hear(news).pipe(
      Effect.catch((error) => report({ _tag: "Note", line: `search.json is not written: ${error.message}` }))
    )

  const close = Effect.fn("Board.close")(function* ({ passes, trials }: SearchEnd) {
    const runs = yield* Runs
    let next: SearchResult = { ...(yield* Ref.get(state)), passes }
    for (const end of trials) {
      const record = yield* runs.existing(trialFolder(folder.path, end.id)).pipe(
        Effect.flatMap((folder) => Effect.provideService(readRecord, RunFolder, folder)),
        // On a cluster, this machine may not see the trials' folders: the workers' news are used then.
        Effect.orElseSucceed(() => undefined)
      )
      next = withTrial(ended(next, end.rung, end), end.id, {
        ...(end.state === "paused" && { state: "stopped" }),
        ...(record !== undefined && {
          history: record.history,
          chosenEpoch: record.chosenEpoch,
          seconds: record.seconds
        })
      })
    }
    yield* change((search) => ({ ...next, seconds: search.seconds }), true)
    return yield* Ref.get(state)
  })

  yield* change((search) => search, true)
  return { tell, close, write: change((search) => search, true) }
})
export type Board = Effect.Success<ReturnType<typeof openBoard>>
