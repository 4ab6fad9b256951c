import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { layerWith } from "../../../src/layers/logging/loggers.ts"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { interruptedAt, tinyConfig, tinyLayers } from "../../run/train/tinyRun.ts"
import type { Received } from "./collector.ts"
import { collector } from "./collector.ts"

const loggers = (env: Readonly<Record<string, string>>) =>
  layerWith(Effect.succeed([])).pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env))))

/** A server of MLflow as far as a run needs it: version 2's REST API. */
const mlflow = collector(({ path }) => {
  if (path.startsWith("/api/2.0/mlflow/experiments/get-by-name")) return { status: 404 }
  if (path.endsWith("experiments/create")) return { body: { experiment_id: "7" } }
  if (path.endsWith("runs/create")) return { body: { run: { info: { run_id: "abc" } } } }
  return {}
})

const bodies = (received: ReadonlyArray<Received>, path: string) =>
  received.filter((one) => one.path.endsWith(path)).map(({ body }) => JSON.parse(body.toString()))

describe("runs logged to MLflow", () => {
  it.live("have parameters, tags and each epoch's metrics once, in one run of the server also where they go on", () =>
    Effect.gen(function* () {
      const { address, received } = yield* mlflow
      const env = {
        MLFLOW_TRACKING_URI: `${address}/`,
        MLFLOW_TRACKING_TOKEN: "secret",
        MLFLOW_EXPERIMENT_NAME: "shop"
      }
      const config = yield* tinyConfig({ name: "first" })
      yield* Effect.gen(function* () {
        yield* interruptedAt(config, { epoch: 3, step: 1 }).pipe(Effect.provide(loggers(env)))
        assert.deepStrictEqual(
          bodies(received, "runs/update").map(({ status }) => status),
          ["KILLED"]
        )
        yield* trainRun(config).pipe(Effect.provide(Layer.fresh(loggers(env))))
      }).pipe(Effect.provide(tinyLayers()))

      assert.isTrue(received.every(({ headers }) => headers["authorization"] === "Bearer secret"))
      assert.deepStrictEqual(bodies(received, "experiments/create"), [{ name: "shop" }])
      const [created, ...more] = bodies(received, "runs/create")
      assert.isEmpty(more)
      assert.strictEqual(created.experiment_id, "7")
      assert.strictEqual(created.run_name, "first")
      assert.deepInclude(created.tags, { key: "weft.run", value: "memory" })
      const batches = bodies(received, "runs/log-batch")
      assert.isTrue(batches.every(({ run_id }) => run_id === "abc"))
      const params = batches.flatMap(({ params = [] }) => params)
      assert.deepInclude(params, { key: "train.epochs", value: "4" })
      const metrics: ReadonlyArray<{ key: string; step: number }> = batches.flatMap(({ metrics = [] }) => metrics)
      const stepsOf = (name: string) => metrics.flatMap(({ key, step }) => (key === name ? [step] : []))
      assert.deepStrictEqual(stepsOf("trainLoss"), [1, 2, 3, 4])
      assert.deepStrictEqual(stepsOf("validationAccuracy"), [1, 2, 3, 4])
      assert.deepStrictEqual(stepsOf("test.accuracy"), [4])
      assert.deepStrictEqual(
        bodies(received, "runs/update").map(({ status }) => status),
        ["KILLED", "RUNNING", "FINISHED"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("are trained to their end where the server is not there or fails, and a note says so", () =>
    Effect.gen(function* () {
      const failing = yield* collector(() => ({ status: 500 }))
      const gone = yield* Effect.scoped(collector())
      for (const address of [failing.address, gone.address]) {
        const notes: Array<string> = []
        yield* Effect.gen(function* () {
          yield* trainRun(yield* tinyConfig())
          assert.isTrue(yield* RunFolder.use((folder) => folder.has("report.json")))
        }).pipe(
          Effect.provideService(Progress, (event: ProgressEvent) =>
            Effect.sync(() => void (event._tag === "Note" && /MLflow/.test(event.line) && notes.push(event.line)))
          ),
          Effect.provide(
            Layer.fresh(loggers({ MLFLOW_TRACKING_URI: address })).pipe(Layer.provideMerge(Layer.fresh(tinyLayers())))
          )
        )
        assert.lengthOf(notes, 1)
        assert.match(notes[0] ?? "", /^MLflow at http:.* does not take the run: .*\. The run goes on without it\.$/s)
      }
    }).pipe(Effect.scoped)
  )
})
