import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { RunLogError } from "../../../src/run/RunLogger.ts"
import type { RunLogger } from "../../../src/run/RunLogger.ts"
import { RunLoggers } from "../../../src/run/RunLogger.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { interruptedAt, tinyConfig, tinyLayers } from "./tinyRun.ts"

/** Writes down what it is told, and the first batch's ids. */
const keeping =
  (told: Array<string>): RunLogger =>
  (run) =>
    Effect.map(run.firstBatch, (batch) => {
      told.push(`begun after ${run.history.length}, first ${batch.ids.join(" ")}`)
      batch.release?.()
      return {
        epoch: (history) =>
          Effect.map(run.folder.has("config.json"), (has) => void told.push(`epoch ${history.length} ${has}`)),
        ended: (end) => Effect.sync(() => void told.push(end.state))
      }
    })

const failing: RunLogger = () =>
  Effect.succeed({
    epoch: () => Effect.fail(new RunLogError({ detail: "the server is away" })),
    ended: () => Effect.die(new Error("a fault"))
  })

const modelOf = RunFolder.use((folder) => folder.read("model/model.safetensors"))

describe("loggers of a run", () => {
  it.effect("are told of its beginning, each epoch and its end, also where it is interrupted and goes on", () =>
    Effect.gen(function* () {
      const config = yield* tinyConfig()
      const told: Array<string> = []
      const within = Effect.provideService(RunLoggers, [keeping(told)])
      yield* interruptedAt(config, { epoch: 3, step: 1 }).pipe(within)
      const first = told[0]?.slice("begun after 0, ".length)
      assert.match(first ?? "", /^first (cap|scarf)\d (cap|scarf)\d (cap|scarf)\d$/)
      assert.deepStrictEqual(told.splice(0), [`begun after 0, ${first}`, "epoch 1 true", "epoch 2 true", "stopped"])
      yield* trainRun(config).pipe(within)
      assert.deepStrictEqual(told, [`begun after 2, ${first}`, "epoch 3 true", "epoch 4 true", "finished"])
    }).pipe(Effect.provide(tinyLayers()))
  )

  it.effect("that fail are a note, once for each reason, and change nothing of the run's weights", () =>
    Effect.gen(function* () {
      const config = yield* tinyConfig()
      yield* trainRun(config)
      const alone = yield* modelOf
      const notes: Array<string> = []
      const told: Array<string> = []
      yield* Effect.gen(function* () {
        yield* trainRun(config)
        assert.deepStrictEqual(yield* modelOf, alone)
      }).pipe(
        Effect.provideService(RunLoggers, [failing, keeping(told)]),
        Effect.provideService(Progress, (event: ProgressEvent) =>
          Effect.sync(
            () => void (event._tag === "Note" && /the run goes on/i.test(event.line) && notes.push(event.line))
          )
        ),
        Effect.provide(Layer.fresh(tinyLayers()))
      )
      assert.deepStrictEqual(notes, [
        "the server is away. The run goes on without it.",
        "a fault. The run goes on without it."
      ])
      assert.lengthOf(told, 6)
    }).pipe(Effect.provide(tinyLayers()))
  )
})
