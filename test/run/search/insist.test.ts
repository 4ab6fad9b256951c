import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as DiskRuns from "../../../src/layers/storage/DiskRuns.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { insist, mostDeaths } from "../../../src/run/search/insist.ts"
import type { GroupWork } from "../../../src/run/search/Trainers.ts"
import { TrainerDied, TrainerFailed, Trainers } from "../../../src/run/search/Trainers.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const runs = DiskRuns.layer.pipe(Layer.provide(NodeServices.layer))

const workIn = Effect.fnUntraced(function* (folder: string) {
  const config = yield* decodeRunConfig({ data: { sample: {} } }, "test")
  return {
    rung: 1,
    until: 2,
    objective: { metric: "validationLoss", goal: "min" },
    trials: [
      { id: "a", path: join(folder, "a"), config },
      { id: "b", path: join(folder, "b"), config },
      { id: "c", path: join(folder, "c"), config }
    ]
  } satisfies GroupWork
})

/** Trainers that die of a group as long as `dies` says so, by who is in it and how often it was tried before. */
const dying = (dies: (ids: string, before: number) => boolean, tried: Array<string>) =>
  Layer.succeed(Trainers, {
    check: () => Effect.succeed(""),
    train: ({ trials }) => {
      const ids = trials.map(({ id }) => id).join(" ")
      const before = tried.filter((one) => one === ids).length
      tried.push(ids)
      return dies(ids, before)
        ? Effect.fail(new TrainerDied({ detail: "signal SIGKILL" }))
        : Effect.succeed({
            trials: trials.map(({ id }) => ({ id, state: "paused", metric: 0.5, epochs: 2 })),
            passes: { wanted: trials.length, made: 1 }
          })
    }
  })

const states = (end: { readonly trials: ReadonlyArray<{ readonly id: string; readonly state: string }> }) =>
  end.trials.map(({ id, state }) => `${id} ${state}`)

describe("a group whose process dies", () => {
  it.effect("is trained again by another process, which is noted", () =>
    Effect.gen(function* () {
      const [tried, said] = [new Array<string>(), new Array<string>()]
      const work = yield* workIn(yield* temporaryFolder)
      const tell = (event: { readonly _tag: string; readonly line?: string }) =>
        Effect.sync(() => void said.push(event.line ?? event._tag))
      const end = yield* insist(work, tell).pipe(
        Effect.provide([dying((_, before) => before < mostDeaths - 1, tried), runs])
      )
      assert.deepStrictEqual(states(end), ["a paused", "b paused", "c paused"])
      assert.strictEqual(tried.length, mostDeaths)
      assert.strictEqual(
        said[0],
        "a, b, c: the process that trained it died (signal SIGKILL); a new one goes on from its checkpoints"
      )
    })
  )

  it.effect("is at last trained one by one: a trial that kills its process has failed, and affects no other", () =>
    Effect.gen(function* () {
      const tried = new Array<string>()
      const folder = yield* temporaryFolder
      const work = yield* workIn(folder)
      const end = yield* insist(work, () => Effect.void).pipe(
        Effect.provide([dying((ids) => ids.includes("b"), tried), runs])
      )
      assert.deepStrictEqual(states(end), ["a paused", "b failed", "c paused"])
      assert.deepStrictEqual(end.passes, { wanted: 2, made: 2 })
      const times = (ids: string) => tried.filter((one) => one === ids).length
      assert.deepStrictEqual([times("a b c"), times("a"), times("b"), times("c")], [mostDeaths, 1, mostDeaths, 1])
      const record = JSON.parse(readFileSync(join(folder, "b", "trial.json"), "utf8"))
      assert.include(record, { id: "b", state: "failed", rung: 1 })
      assert.match(record.detail, /died 3 times.*signal SIGKILL/)
    })
  )

  it.effect("that others died over before is trained one by one at once", () =>
    Effect.gen(function* () {
      const tried = new Array<string>()
      const work = yield* workIn(yield* temporaryFolder)
      yield* insist(work, () => Effect.void, mostDeaths).pipe(Effect.provide([dying(() => false, tried), runs]))
      assert.deepStrictEqual(tried, ["a", "b", "c"])
    })
  )

  it.effect("does not insist on an error of all trials: missing data", () =>
    Effect.gen(function* () {
      const work = yield* workIn(yield* temporaryFolder)
      let tries = 0
      const failing = Layer.succeed(Trainers, {
        check: () => Effect.succeed(""),
        train: () => {
          tries++
          return Effect.fail(new TrainerFailed({ detail: "no such file", code: 3 }))
        }
      })
      const exit = yield* Effect.exit(insist(work, () => Effect.void).pipe(Effect.provide([failing, runs])))
      assert.deepStrictEqual(exit, Exit.fail(new TrainerFailed({ detail: "no such file", code: 3 })))
      assert.strictEqual(tries, 1)
    })
  )
})
