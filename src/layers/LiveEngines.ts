import { Effect, Layer } from "effect"
import { Engine, EngineUnavailable } from "../model/Engine.ts"
import type { EngineName } from "../model/EngineConfig.ts"
import type { EngineStatus } from "../model/Engines.ts"
import { Engines } from "../model/Engines.ts"
import type { Network } from "../model/Network.ts"
import { report } from "../Progress.ts"

type EngineLayer = Layer.Layer<Engine, EngineUnavailable>

/** An engine's own libraries are loaded when it is tried, not before. */
const load = (name: EngineName, importLayer: () => Promise<{ readonly layer: EngineLayer }>): EngineLayer =>
  Layer.unwrap(
    Effect.tryPromise({
      try: importLayer,
      catch: (cause) =>
        new EngineUnavailable({
          engine: name,
          reason: `its package does not load (${cause instanceof Error ? cause.message : String(cause)})`,
          cure: "Install the packages again: npx pnpm install"
        })
    }).pipe(Effect.map(({ layer }) => layer))
  )

/** The preferred first; `mock` is there by name only, being slow. */
const engines: ReadonlyArray<{ readonly name: EngineName; readonly layer: EngineLayer; readonly auto: boolean }> = [
  { name: "wasm", layer: load("wasm", () => import("./WasmEngine.ts")), auto: true },
  { name: "mock", layer: load("mock", () => import("./MockEngine.ts")), auto: false }
]

/** The engine in the caller's scope, after its preflight. */
const start = Effect.fnUntraced(function* (layer: EngineLayer, network: Network) {
  const services = yield* Layer.build(layer)
  const engine = yield* Engine.pipe(Effect.provideContext(services))
  yield* engine.preflight(network)
  return engine
})

/** All engines that come with Weft. */
export const layer = Layer.succeed(Engines, {
  choose: Effect.fn("Engines.choose")(function* (config, network) {
    const candidates = engines.filter(({ auto, name }) => (config.name === "auto" ? auto : name === config.name))
    const failures: Array<EngineUnavailable> = []
    for (const { layer } of candidates) {
      const started = yield* Effect.result(start(layer, network))
      if (started._tag === "Success") {
        const { device, name } = started.success.info
        const why = config.name === "auto" ? "the best that runs here" : "asked for"
        yield* report({ _tag: "Note", line: `engine ${name} (${device}), ${why}` })
        return started.success
      }
      failures.push(started.failure)
    }
    return yield* new EngineUnavailable({
      engine: config.name,
      reason: failures
        .map(({ engine, reason }) => (config.name === "auto" ? `${engine}: ${reason}` : reason))
        .join("; "),
      cure: failures.map(({ cure }) => cure).join(" ")
    })
  }),
  survey: (network) =>
    Effect.forEach(engines, ({ layer, name }) =>
      start(layer, network).pipe(
        Effect.scoped,
        Effect.match({
          onSuccess: ({ info }): EngineStatus => ({ name, available: true, info }),
          onFailure: ({ cure, reason }): EngineStatus => ({ name, available: false, reason, cure })
        })
      )
    )
})
