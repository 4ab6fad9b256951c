import { Effect, Exit, Option, Schedule } from "effect"
import type { GroupWork } from "./Trainers.ts"
import type { Group } from "./Group.ts"
import { takeGroup } from "./GroupQueue.ts"
import { insist } from "./insist.ts"
import type { TellNews } from "./SearchNews.ts"
import type { SearchEnd, SearchPayload } from "./Search.ts"
import { Search } from "./Search.ts"

/**
 * Submits a search, and waits for its end: one that was submitted before is waited for.
 *
 * Interrupted, the search itself is not: whoever works on it goes on.
 */
export const searchEnd = Effect.fn("searchEnd")(function* (search: SearchPayload) {
  const id = yield* Search.execute(search, { discard: true })
  const complete = yield* Search.poll(id).pipe(
    Effect.map(Option.filter((result) => result._tag === "Complete")),
    Effect.repeat({ until: Option.isSome, schedule: Schedule.spaced("200 millis") })
  )
  const exit: Exit.Exit<SearchEnd> = Option.isSome(complete) ? complete.value.exit : Exit.die("the search has no end")
  return yield* exit
})

/**
 * Carries a search out here, with so many groups at a time, and gives its end.
 *
 * Fails with what concerns all trials; the search then goes on when it is carried out again.
 */
export const carryOut = Effect.fn("carryOut")(function* (
  search: SearchPayload,
  places: number,
  workOf: (group: Group) => Effect.Effect<GroupWork>,
  tell: TellNews
) {
  const take = takeGroup(search.key, (group) =>
    Effect.gen(function* () {
      const end = yield* insist(yield* workOf(group), (event) => tell({ _tag: "Going", trials: group.trials, event }))
      yield* tell({ _tag: "Ended", rung: group.rung, end })
      return end
    })
  )
  const taking = Effect.forEach(
    Array.from({ length: places }, () => Effect.forever(take)),
    (taker) => taker,
    { concurrency: "unbounded" }
  )
  return yield* Effect.raceFirst(searchEnd(search), Effect.andThen(taking, Effect.never))
})
