import { Config, ConfigProvider, Effect, Layer } from "effect"
import { manifest } from "../machine/manifest.ts"

/** OpenTelemetry's own variables. */
const endpoints = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
] as const

/** What the environment leaves out: to export both is what an endpoint is set for. */
const defaults = ConfigProvider.fromUnknown({
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_SERVICE_NAME: "weft",
  OTEL_SERVICE_VERSION: manifest.version
})

const isAddress = (text: string) => /^https?:$/.test(URL.parse(text)?.protocol ?? "")

/**
 * Spans and metrics are sent to a collector by OTLP over HTTP, where OTEL_EXPORTER_OTLP_ENDPOINT names one; the other
 * OTEL_ variables are heeded. Where none is named, nothing is loaded.
 *
 * They are sent beside the work, every few seconds. A collector that cannot be reached costs no step: what was to be sent
 * is dropped, and after three tries nothing is sent for a minute. What is left at the end is waited for, three seconds at
 * most (OTEL_EXPORTER_OTLP_TIMEOUT, in milliseconds).
 */
export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const named = yield* Effect.forEach(endpoints, (name) =>
      Effect.map(Config.String(name).pipe(Config.withDefault("")), (value) => ({ name, value: value.trim() }))
    )
    const given = named.filter(({ value }) => value !== "")
    if (given.length === 0) return Layer.empty
    const wrong = given.find(({ value }) => !isAddress(value))
    if (wrong !== undefined) {
      yield* Effect.logWarning(
        `${wrong.name} is no address of a collector: it should be like http://localhost:4318. No spans are sent.`
      )
      return Layer.empty
    }
    const protocol = yield* Config.String("OTEL_EXPORTER_OTLP_PROTOCOL").pipe(Config.withDefault("http/protobuf"))
    const { exporter } = yield* Effect.promise(() => import("./otlpExporter.ts"))
    return exporter(protocol === "http/json" ? "json" : "protobuf").pipe(
      Layer.provide(ConfigProvider.layer(Effect.map(ConfigProvider.ConfigProvider, ConfigProvider.orElse(defaults)))),
      Layer.catchCause((cause) =>
        Layer.effectDiscard(Effect.logWarning("No spans are sent: an OTEL_ variable is wrong", cause))
      )
    )
  }).pipe(Effect.orDie) // texts that may be missing cannot fail
)
