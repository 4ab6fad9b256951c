import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as DiskRuns from "../../../src/layers/storage/DiskRuns.ts"
import type { EpochRecord } from "../../../src/metrics/Report.ts"
import { SearchConfig } from "../../../src/run/search/SearchConfig.ts"
import { decodeConfig } from "../../../src/config/RunConfig.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { Runs } from "../../../src/run/Runs.ts"
import { openBoard } from "../../../src/run/search/Board.ts"
import type { GroupEnd } from "../../../src/run/search/Group.ts"
import { searchPoints } from "../../../src/run/search/points.ts"
import { newSearch, readSearch } from "../../../src/run/search/searchFile.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const runs = DiskRuns.layer.pipe(Layer.provide(NodeServices.layer))

/** Four trials, of which after one epoch two go on, to four. */
const halvingWith = Effect.fnUntraced(function* (repetitions: object) {
  const config = yield* decodeConfig(
    SearchConfig,
    {
      ...repetitions,
      base: { data: { sample: {} }, train: { epochs: 4 } },
      axes: [{ path: "train.learningRate", values: [0.1, 0.2, 0.3, 0.4] }],
      strategy: { kind: "halving", factor: 2, minEpochs: 1 }
    },
    "test"
  )
  const points = yield* searchPoints(config, "test")
  return { search: newSearch(config, points), trials: points.trials }
})
const halving = halvingWith({})

const epoch = (epoch: number, validationLoss: number): EpochRecord => ({
  epoch,
  trainLoss: validationLoss,
  trainAccuracy: 0.5,
  validationLoss,
  validationAccuracy: 0.5,
  learningRate: 0.1,
  imagesPerSecond: 10,
  seconds: 2
})

it.effect("shows a search as its news come, and writes it down: running, stopped at its rung, diverged, finished", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFolder
    const { folder } = yield* Runs.use((runs) => runs.open(path, 1))
    yield* Effect.gen(function* () {
      const { search, trials } = yield* halving
      const board = yield* openBoard(search, trials)
      const ids = trials.map(({ id }) => id)
      const [a = "", b = "", c = "", d = ""] = ids
      const states = Effect.gen(function* () {
        yield* board.write
        const { trials } = yield* readSearch
        return trials.map(({ rung, state }) => `${state} ${rung}`)
      })
      const going = (trial: string, record: EpochRecord) =>
        board.tell({
          _tag: "Going",
          trials: [trial],
          event: { _tag: "Epoch", epochs: 4, best: true, trial, record }
        })
      const paused = (id: string, metric: number) => ({ id, state: "paused" as const, metric, epochs: 1 })
      const passes = { wanted: 20, made: 10 }

      assert.deepStrictEqual(yield* states, ["waiting 0", "waiting 0", "waiting 0", "waiting 0"])
      yield* going(a, epoch(1, 0.9))
      yield* going(b, epoch(1, 0.4))
      assert.deepStrictEqual(yield* states, ["running 0", "running 0", "waiting 0", "waiting 0"])
      yield* board.tell({ _tag: "Ended", rung: 0, end: { trials: [paused(a, 0.9), paused(b, 0.4)], passes } })
      assert.deepStrictEqual(yield* states, ["waiting 0", "waiting 0", "waiting 0", "waiting 0"])
      const diverged = { id: c, state: "diverged" as const, metric: null, epochs: 0, detail: "the loss is NaN" }
      const rest: GroupEnd = { trials: [diverged, paused(d, 0.7)], passes }
      yield* board.tell({ _tag: "Ended", rung: 0, end: rest })
      assert.deepStrictEqual(yield* states, ["stopped 0", "waiting 1", "diverged 0", "waiting 1"])
      // What is heard twice, as by who watches a cluster again, changes nothing.
      yield* going(b, epoch(1, 0.4))
      yield* going(b, epoch(2, 0.3))
      const [, second] = (yield* Effect.andThen(board.write, readSearch)).trials
      assert.deepStrictEqual(
        second?.history.map(({ epoch }) => epoch),
        [1, 2]
      )
      assert.strictEqual(second?.metric, 0.3)

      // The end is what the journal and the trials' own folders say.
      mkdirSync(join(path, "trials", b), { recursive: true })
      const history = [epoch(1, 0.4), epoch(2, 0.3), epoch(3, 0.2), epoch(4, 0.25)]
      const finished = { id: b, state: "finished" as const, metric: 0.2, epochs: 4 }
      const record = { ...finished, rung: 1, history, chosenEpoch: 3, seconds: 9 }
      writeFileSync(join(path, "trials", b, "trial.json"), JSON.stringify(record))
      const result = yield* board.close({
        passes: { wanted: 80, made: 40 },
        trials: [
          { ...paused(a, 0.9), rung: 0 },
          { ...finished, rung: 1 },
          { ...diverged, rung: 0 },
          { id: d, state: "failed", metric: null, epochs: 1, rung: 1, detail: "the disk is full" }
        ]
      })
      assert.deepStrictEqual(yield* readSearch, result)
      assert.deepStrictEqual(
        result.trials.map(({ rung, state }) => `${state} ${rung}`),
        ["stopped 0", "finished 1", "diverged 0", "failed 1"]
      )
      assert.deepInclude(result.trials[1], { metric: 0.2, chosenEpoch: 3, seconds: 9, history })
      assert.strictEqual(result.trials[2]?.detail, "the loss is NaN")
      assert.deepStrictEqual(result.passes, { wanted: 80, made: 40 })
    }).pipe(Effect.provideService(RunFolder, folder))
  }).pipe(Effect.provide(runs))
)

it.effect("stops the trainings of a setting together, by their mean, or lets them all go on", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFolder
    const { folder } = yield* Runs.use((runs) => runs.open(path, 1))
    yield* Effect.gen(function* () {
      const { search, trials } = yield* halvingWith({ folds: 2 })
      assert.deepStrictEqual(search.rungs, [
        { epochs: 1, trials: 8, keep: 4 },
        { epochs: 2, trials: 4, keep: 2 },
        { epochs: 4, trials: 2, keep: 2 }
      ])
      const board = yield* openBoard(search, trials)
      // The best single training is of the second setting.
      const metrics = [0.5, 0.5, 0.1, 1, 0.4, 0.4, 0.9, 0.8]
      const paused = (from: number) =>
        trials.flatMap(({ id }, i) =>
          i % 2 === from ? [{ id, state: "paused" as const, metric: metrics[i] ?? null, epochs: 1 }] : []
        )
      const passes = { wanted: 8, made: 4 }
      yield* board.tell({ _tag: "Ended", rung: 0, end: { trials: paused(0), passes } })
      assert.isTrue((yield* Effect.andThen(board.write, readSearch)).trials.every(({ rung }) => rung === 0))
      yield* board.tell({ _tag: "Ended", rung: 0, end: { trials: paused(1), passes } })
      assert.deepStrictEqual(
        (yield* Effect.andThen(board.write, readSearch)).trials.map(({ rung, state }) => `${state} ${rung}`),
        ["waiting 1", "waiting 1", "stopped 0", "stopped 0", "waiting 1", "waiting 1", "stopped 0", "stopped 0"]
      )
    }).pipe(Effect.provideService(RunFolder, folder))
  }).pipe(Effect.provide(runs))
)
