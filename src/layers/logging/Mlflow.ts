import { Config, Effect, Fiber, Option, Redacted, Schema, Scope } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import { manifest } from "../machine/manifest.ts"
import type { EpochRecord, TestReport } from "../../metrics/Report.ts"
import { report } from "../../pipeline/Progress.ts"
import type { LoggedRun, RunEnd, RunLog, RunLogger } from "../../run/RunLogger.ts"
import { RunLogError } from "../../run/RunLogger.ts"

/** MLflow's own variables. */
const settings = Config.all({
  address: Config.String("MLFLOW_TRACKING_URI"),
  experiment: Config.String("MLFLOW_EXPERIMENT_NAME").pipe(Config.withDefault("weft")),
  token: Config.option(Config.Redacted("MLFLOW_TRACKING_TOKEN")),
  user: Config.String("MLFLOW_TRACKING_USERNAME").pipe(Config.withDefault("")),
  password: Config.Redacted("MLFLOW_TRACKING_PASSWORD").pipe(Config.withDefault(Redacted.make("")))
})

/** `mlflow.json` in the run's folder: which run of the server it is, and how many epochs the server has. */
const Kept = Schema.Struct({ address: Schema.String, runId: Schema.String, epochs: Schema.Natural })
const KeptText = Schema.fromJsonString(Kept)

const Experiment = Schema.Struct({ experiment: Schema.Struct({ experiment_id: Schema.String }) })
const Created = Schema.Struct({ experiment_id: Schema.String })
const Begun = Schema.Struct({ run: Schema.Struct({ info: Schema.Struct({ run_id: Schema.String }) }) })

/** Of a request, and of all that is left when the run ends. */
const patience = { request: "10 seconds", end: "15 seconds" } as const

/** Parameters and values of MLflow are of limited length. Source: MLflow, `mlflow.utils.validation`. */
const longest = 500

/** The keys of a configuration with their values, one a line: `train.learningRate`. */
const paramsOf = (value: unknown, path: string): ReadonlyArray<{ key: string; value: string }> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) => paramsOf(inner, path === "" ? key : `${path}.${key}`))
    : [{ key: path, value: (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).slice(0, longest) }]

/** A label column's name, as it may stand in the name of a metric. Source: MLflow, `mlflow.utils.validation`. */
const nameOf = (column: string): string => column.replaceAll(/[^\w\-. /]/gu, "_")

const metricsOf = (record: EpochRecord, timestamp: number) =>
  [
    ...Object.entries(record),
    ...Object.entries(record.validationColumns ?? {}).flatMap(([column, { accuracy, loss }]) => [
      [`validationLoss.${nameOf(column)}`, loss] as const,
      [`validationAccuracy.${nameOf(column)}`, accuracy] as const
    ])
  ].flatMap(([key, value]) =>
    typeof value === "number" && key !== "epoch" ? [{ key, value, timestamp, step: record.epoch }] : []
  )

/** The metrics of the test part, by label column where there are several. */
const testMetrics = ({ accuracy, loss, macro, weighted }: TestReport, column?: string) =>
  Object.entries({ accuracy, loss, weightedF1: weighted.f1, macroF1: macro.f1 }).flatMap(([name, value]) =>
    value === null ? [] : [{ key: `test.${name}${column === undefined ? "" : `.${nameOf(column)}`}`, value }]
  )

const statusOf = { finished: "FINISHED", stopped: "KILLED", failed: "FAILED" } as const

/**
 * Logs runs to the MLflow server that MLFLOW_TRACKING_URI names, by its REST API: the configuration as parameters, each
 * epoch's and the test's metrics, and tags with the run's folder; a resumed run goes on in the same run of the server.
 *
 * Nothing waits for the server but the run's beginning and end, ten and fifteen seconds at most. Epochs that it did not
 * take are sent with the next one.
 */
export const mlflowLogger = Effect.gen(function* () {
  const { address, experiment, password, token, user } = yield* settings
  const base = HttpClientRequest.make("POST")(`${address.replace(/\/+$/, "")}/api/2.0/mlflow/`).pipe(
    Option.isSome(token)
      ? HttpClientRequest.bearerToken(token.value)
      : user === ""
        ? (request) => request
        : HttpClientRequest.basicAuth(user, password)
  )
  const client = HttpClient.filterStatusOk(yield* HttpClient.HttpClient)
  const post = (path: string, body: object) =>
    client
      .execute(base.pipe(HttpClientRequest.appendUrl(path), HttpClientRequest.bodyJsonUnsafe(body)))
      .pipe(Effect.timeout(patience.request))
  const asked = <A, I>(schema: Schema.Codec<A, I>, path: string, body: object) =>
    Effect.flatMap(post(path, body), HttpClientResponse.schemaBodyJson(schema))
  const faults = <A, R>(work: Effect.Effect<A, Error, R>) =>
    Effect.mapError(
      work,
      ({ message }) => new RunLogError({ detail: `MLflow at ${address} does not take the run: ${message}` })
    )

  const experimentId = client
    .execute(
      HttpClientRequest.setMethod(base, "GET").pipe(
        HttpClientRequest.appendUrl("experiments/get-by-name"),
        HttpClientRequest.setUrlParam("experiment_name", experiment)
      )
    )
    .pipe(
      Effect.timeout(patience.request),
      Effect.flatMap(HttpClientResponse.schemaBodyJson(Experiment)),
      Effect.map(({ experiment }) => experiment.experiment_id),
      Effect.catch(() =>
        Effect.map(asked(Created, "experiments/create", { name: experiment }), (made) => made.experiment_id)
      )
    )

  const begin = Effect.fn("mlflow.begin")(function* ({
    config,
    engine,
    folder,
    network,
    parameters,
    trial
  }: LoggedRun) {
    const known = yield* Effect.option(
      Effect.flatMap(folder.read("mlflow.json"), (bytes) =>
        Schema.decodeEffect(KeptText)(new TextDecoder().decode(bytes))
      )
    )
    if (known._tag === "Some" && known.value.address === address) {
      yield* post("runs/update", { run_id: known.value.runId, status: "RUNNING" })
      return known.value
    }
    const { run } = yield* asked(Begun, "runs/create", {
      experiment_id: yield* experimentId,
      run_name: trial ?? config.name,
      start_time: yield* now,
      tags: Object.entries({
        "mlflow.source.name": "weft",
        "mlflow.source.type": "LOCAL",
        "weft.version": manifest.version,
        "weft.run": folder.path,
        "weft.network": network,
        "weft.parameters": String(parameters),
        "weft.engine": `${engine.name} (${engine.device})`,
        ...(trial !== undefined && { "weft.trial": trial })
      }).map(([key, value]) => ({ key, value }))
    })
    const runId = run.info.run_id
    const params = paramsOf(config, "")
    for (let from = 0; from < params.length; from += 100)
      yield* post("runs/log-batch", { run_id: runId, params: params.slice(from, from + 100) })
    return { address, runId, epochs: 0 }
  })

  const logger: RunLogger = Effect.fnUntraced(function* (run: LoggedRun) {
    const { folder } = run
    let kept = yield* faults(begin(run))
    const keep = Effect.suspend(() => folder.write("mlflow.json", `${JSON.stringify(kept, null, 2)}\n`))
    yield* keep
    yield* report({ _tag: "Note", line: `logged to MLflow at ${address}, run ${kept.runId}` })
    const scope = yield* Scope.Scope
    let sending: Fiber.Fiber<void, Error> | undefined

    const send = Effect.fn("mlflow.epochs")(function* (history: ReadonlyArray<EpochRecord>) {
      const fresh = history.slice(kept.epochs)
      if (fresh.length === 0) return
      const at = yield* now
      yield* post("runs/log-batch", { run_id: kept.runId, metrics: fresh.flatMap((record) => metricsOf(record, at)) })
      kept = { ...kept, epochs: history.length }
      yield* keep
    }, faults)

    let latest = run.history
    const ended = Effect.fn("mlflow.ended")(function* (end: RunEnd) {
      if (sending !== undefined) yield* Fiber.await(sending)
      yield* send(latest)
      if (end.state === "finished" && end.report.test !== null) {
        const { test } = end.report
        const at = yield* now
        const metrics = [
          ...testMetrics(test),
          ...Object.entries(test.columns ?? {}).flatMap(([name, own]) => testMetrics(own, name))
        ]
        yield* post("runs/log-batch", {
          run_id: kept.runId,
          metrics: metrics.map((metric) => ({ ...metric, timestamp: at, step: latest.length }))
        })
      }
      yield* post("runs/update", { run_id: kept.runId, status: statusOf[end.state], end_time: yield* now })
    }, faults)

    return {
      epoch: Effect.fnUntraced(function* (history) {
        latest = history
        // The epochs that a request in progress does not have go with the next one.
        if (sending !== undefined && sending.pollUnsafe() === undefined) return
        const before = sending?.pollUnsafe()
        sending = yield* Effect.forkIn(send(history), scope)
        if (before !== undefined) yield* before
      }),
      ended: (end) => faults(Effect.timeout(ended(end), patience.end))
    } satisfies RunLog
  })
  return logger
}).pipe(Effect.provide(FetchHttpClient.layer))

const now = Effect.clockWith((clock) => clock.currentTimeMillis)
