import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { join } from "node:path"
import * as LocalSearch from "../../../src/layers/search/LocalSearch.ts"
import type { Group, GroupEnd } from "../../../src/run/search/Group.ts"
import { runSearch } from "../../../src/run/search/runSearch.ts"
import { GroupQueue, Searches } from "../../../src/run/search/Searches.ts"
import type { SearchEnd, SearchPayload } from "../../../src/run/search/Searches.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

/** Five trials, of which two go on after their first epoch; a smaller objective is better. */
const halving: SearchPayload = {
  key: "halving",
  trials: ["a", "b", "c", "d", "e"].map((id) => ({ id, pass: "p", frozen: null })),
  rungs: [{ until: 1, keep: 2 }, { keep: 2 }],
  goal: "min",
  places: 3,
  most: 2
}
const figures: Readonly<Record<string, number | null>> = { a: 0.7, b: 0.2, c: null, d: 0.5, e: 0.9 }

const trained = ({ trials, until }: Group): GroupEnd => ({
  trials: trials.map((id) => ({
    id,
    state: id === "c" ? "diverged" : until === undefined ? "finished" : "paused",
    metric: figures[id] ?? null,
    epochs: until ?? 3,
    ...(id === "c" && { detail: "the loss is NaN" })
  })),
  passes: { wanted: 10 * trials.length, made: 10 }
})

/** What was trained, with `takers` at work side by side, until the search is through. */
const carryOut = (takers: number, train: (group: Group, attempt: number) => Effect.Effect<GroupEnd, string>) =>
  Effect.gen(function* () {
    const searches = yield* Searches
    const groups = yield* GroupQueue
    const taking = Effect.forEach(
      Array.from({ length: takers }),
      () => Effect.forever(Effect.ignore(groups.take(halving.key, train))),
      { concurrency: "unbounded", discard: true }
    )
    return yield* Effect.raceFirst(searches.end(halving), Effect.andThen(taking, Effect.never))
  })

const expected: SearchEnd["trials"] = [
  { id: "a", state: "paused", metric: 0.7, epochs: 1, rung: 0 },
  { id: "b", state: "finished", metric: 0.2, epochs: 3, rung: 1 },
  { id: "c", state: "diverged", metric: null, epochs: 1, detail: "the loss is NaN", rung: 0 },
  { id: "d", state: "finished", metric: 0.5, epochs: 3, rung: 1 },
  { id: "e", state: "paused", metric: 0.9, epochs: 1, rung: 0 }
]

const onDisk = Effect.map(temporaryFolder, (folder) => join(folder, "search.sqlite"))

const engines = {
  "in memory": Effect.succeed(Searches.layerMemory(runSearch)),
  "on SQLite": Effect.map(onDisk, (file) => Layer.orDie(LocalSearch.layer(file, runSearch)))
}

describe.each(Object.entries(engines))("a search %s", (_, engine) => {
  it.live("all begin, and the best of each rung go on", () =>
    Effect.gen(function* () {
      const taken: Array<string> = []
      const train = (group: Group) =>
        Effect.sync(() => {
          taken.push(`${group.rung}: ${group.trials.join(" ")}`)
          return trained(group)
        })
      const end = yield* carryOut(2, train).pipe(Effect.provide(yield* engine))
      assert.deepStrictEqual(end.trials, expected)
      assert.deepStrictEqual(taken.toSorted(), ["0: a b", "0: c", "0: d e", "1: b", "1: d"])
      assert.deepStrictEqual(end.passes, { wanted: 70, made: 50 })
    })
  )

  it.live("the repetitions of a setting go on together, or stop together", () =>
    Effect.gen(function* () {
      const repeated: SearchPayload = {
        ...halving,
        // The best trial, b, is of the setting with the worse mean.
        trials: [
          { id: "b", setting: "one", pass: "p", frozen: null },
          { id: "e", setting: "one", pass: "q", frozen: null },
          { id: "a", setting: "two", pass: "p", frozen: null },
          { id: "d", setting: "three", pass: "p", frozen: null },
          { id: "c", setting: "three", pass: "q", frozen: null },
          { id: "d2", setting: "two", pass: "q", frozen: null }
        ]
      }
      const metrics: typeof figures = { ...figures, a: 0.5, d2: 0.5 }
      const ends = yield* runSearch(repeated, (groups) =>
        Effect.succeed(
          groups.map((group) => {
            const { passes, trials } = trained(group)
            return { passes, trials: trials.map((end) => ({ ...end, metric: metrics[end.id] ?? null })) }
          })
        )
      )
      assert.deepStrictEqual(
        ends.trials.map(({ id, rung }) => [id, rung]),
        [
          ["b", 0],
          ["e", 0],
          ["a", 1],
          ["d", 0],
          ["c", 0],
          ["d2", 1]
        ]
      )
    })
  )

  it.live("groups of a rung are trained side by side, by as many as are idle", () =>
    Effect.gen(function* () {
      let [now, most] = [0, 0]
      const both = yield* Deferred.make<void>()
      const train = (group: Group) =>
        Effect.gen(function* () {
          most = Math.max(most, ++now)
          // The first waits for a second beside it, however long that takes.
          if (now === 2) yield* Deferred.succeed(both, undefined)
          yield* Deferred.await(both)
          now--
          return trained(group)
        })
      yield* carryOut(2, train).pipe(Effect.provide(yield* engine))
      assert.strictEqual(most, 2)
    })
  )

  it.live("a group that fails is there again, nothing of it is in the journal, and it was no attempt", () =>
    Effect.gen(function* () {
      const attempts: Array<number> = []
      const train = (group: Group, attempt: number) =>
        Effect.gen(function* () {
          if (group.rung === 0 && group.index === 1) {
            attempts.push(attempt)
            if (attempts.length < 3) return yield* Effect.fail("the data are not here")
          }
          return trained(group)
        })
      const end = yield* carryOut(2, train).pipe(Effect.provide(yield* engine))
      assert.deepStrictEqual(attempts, [1, 1, 1])
      assert.deepStrictEqual(end.trials, expected)
    })
  )
})

describe("a search on SQLite that is stopped", () => {
  it.live("started again, it hands out what is not in the journal, and that alone", () =>
    Effect.gen(function* () {
      const file = yield* onDisk
      const done: Array<string> = []
      const nameOf = ({ rung, trials }: Group) => `${rung}: ${trials.join(" ")}`
      // Each time the process is stopped in the middle of its second group.
      const once = Effect.gen(function* () {
        let groups = 0
        const middle = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(
          carryOut(1, (group) =>
            Effect.gen(function* () {
              if (++groups === 2) {
                yield* Deferred.succeed(middle, undefined)
                return yield* Effect.never
              }
              done.push(nameOf(group))
              return trained(group)
            })
          ).pipe(Effect.provide(Layer.fresh(Layer.orDie(LocalSearch.layer(file, runSearch)))))
        )
        yield* Effect.raceFirst(Deferred.await(middle), Fiber.await(fiber))
        yield* Fiber.interrupt(fiber)
        return yield* Fiber.await(fiber)
      })
      let exit = yield* once
      let starts = 1
      while (exit._tag === "Failure" && starts < 10) {
        exit = yield* once
        starts++
      }
      assert.strictEqual(starts, 5)
      assert.deepStrictEqual(exit._tag === "Success" ? exit.value.trials : exit.cause, expected)
      assert.deepStrictEqual(done.toSorted(), ["0: a b", "0: c", "0: d e", "1: b", "1: d"])
      // A search that is through is known to be.
      const again = yield* carryOut(1, () => Effect.die("nothing is left to train")).pipe(
        Effect.provide(Layer.fresh(Layer.orDie(LocalSearch.layer(file, runSearch))))
      )
      assert.deepStrictEqual(again.trials, expected)
    })
  )
})
