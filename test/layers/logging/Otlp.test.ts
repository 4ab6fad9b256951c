import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Schema } from "effect"
import * as Otlp from "../../../src/layers/logging/Otlp.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { RunLoggers } from "../../../src/run/RunLogger.ts"
import { metricsLogger } from "../../../src/run/train/metricsLogger.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { tinyConfig, tinyLayers } from "../../run/train/tinyRun.ts"
import { collector } from "./collector.ts"

const Span = Schema.Struct({
  traceId: Schema.String,
  spanId: Schema.String,
  parentSpanId: Schema.optionalKey(Schema.NullOr(Schema.String)),
  name: Schema.String
})
const Traces = Schema.fromJsonString(
  Schema.Struct({
    resourceSpans: Schema.Array(
      Schema.Struct({ scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(Span) })) })
    )
  })
)

/** Trains a small run with the exporter that an environment asks for, and gives the model. */
const trainWith = Effect.fnUntraced(
  function* (env: Readonly<Record<string, string>>) {
    const exporter = Otlp.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env))))
    yield* trainRun(yield* tinyConfig()).pipe(
      Effect.provideService(RunLoggers, [metricsLogger]),
      Effect.provide(exporter)
    )
    return yield* RunFolder.use((folder) => folder.read("model/model.safetensors"))
  },
  (work) => Effect.provide(work, Layer.fresh(tinyLayers()))
)

describe("spans and metrics by OTLP", () => {
  it.live("of a small training arrive at a collector, as one trace", () =>
    Effect.gen(function* () {
      const { address, received } = yield* collector()
      yield* trainWith({ OTEL_EXPORTER_OTLP_ENDPOINT: address, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" })
      const traces = received.filter(({ path }) => path === "/v1/traces")
      const documents = yield* Effect.forEach(traces, ({ body }) => Schema.decodeEffect(Traces)(body.toString()))
      const spans = documents.flatMap(({ resourceSpans }) =>
        resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
      )
      const root = spans.find(({ name }) => name === "trainRun")
      assert.isDefined(root)
      assert.isTrue(spans.every(({ traceId }) => traceId === root.traceId))
      const count = (name: string) => spans.filter((span) => span.name === name).length
      assert.strictEqual(count("Training.epoch"), 4)
      assert.strictEqual(count("Training.validate"), 4)
      assert.isAbove(count("Training.step"), 4)
      for (const name of ["Pipeline.dataset", "reference.open", "Checkpoints.save", "finishRuns.write"])
        assert.isAbove(count(name), 0, name)
      const byId = new Map(spans.map((span) => [span.spanId, span]))
      const epoch = spans.find(({ name }) => name === "Training.epoch")
      assert.strictEqual(byId.get(epoch?.parentSpanId ?? "")?.name, "Training.trainTogether")
      const metrics = received.filter(({ path }) => path === "/v1/metrics").map(({ body }) => body.toString())
      assert.match(metrics.join(""), /"weft\.validation\.loss"/)
    }).pipe(Effect.scoped)
  )

  it.live("are protobuf, as OpenTelemetry has it, where nothing else is asked for", () =>
    Effect.gen(function* () {
      const { address, received } = yield* collector()
      yield* trainWith({ OTEL_EXPORTER_OTLP_ENDPOINT: `${address}/` })
      const trace = received.find(({ path }) => path === "/v1/traces")
      assert.strictEqual(trace?.headers["content-type"], "application/x-protobuf")
      assert.include(trace?.body.toString("latin1"), "Training.trainTogether")
    }).pipe(Effect.scoped)
  )

  it.live("change nothing of a run whose collector is not there, refuses, never answers, or is no address", () =>
    Effect.gen(function* () {
      const alone = yield* trainWith({})
      const refusing = yield* collector(() => ({ status: 503 }))
      const silent = yield* collector(() => "never")
      const gone = yield* Effect.scoped(collector())
      for (const address of [refusing.address, silent.address, gone.address, "collector:4318"])
        assert.deepStrictEqual(
          yield* trainWith({ OTEL_EXPORTER_OTLP_ENDPOINT: address, OTEL_EXPORTER_OTLP_TIMEOUT: "200" }),
          alone
        )
      assert.isNotEmpty(silent.received)
    }).pipe(Effect.scoped)
  )
})
