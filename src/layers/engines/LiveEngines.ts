import { Effect, Layer } from "effect"
import { Engine, EngineUnavailable } from "../../model/Engine.ts"
import type { EngineConfig, EngineName } from "../../model/EngineConfig.ts"
import { defaultEngine, EngineName as Names } from "../../model/EngineConfig.ts"
import type { EngineStatus } from "../../model/Engines.ts"
import { Engines } from "../../model/Engines.ts"
import type { OptionalPackage } from "../machine/optionalPackages.ts"
import { bringing, isMissing } from "../machine/optionalPackages.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import type { Network } from "../../model/Network.ts"
import { report } from "../../pipeline/Progress.ts"

type EngineLayer = Layer.Layer<Engine, EngineUnavailable>

/** The packages of an engine that do not come with Weft. */
const packages: Partial<Record<EngineName, ReadonlyArray<OptionalPackage>>> = {
  webgpu: ["@tensorflow/tfjs-backend-webgpu", "webgpu"]
}

/** An engine's own libraries are loaded when it is tried, not before. */
const load = (name: EngineName, importLayer: () => Promise<EngineLayer>): EngineLayer =>
  Layer.unwrap(
    Effect.tryPromise({
      try: importLayer,
      catch: (cause) =>
        new EngineUnavailable({
          engine: name,
          reason: isMissing(cause)
            ? "its packages are not installed"
            : `its package does not load (${messageOf(cause)})`,
          cure: packages[name] === undefined ? "Install Weft again." : `Install them: ${bringing(packages[name])}`
        })
    })
  )

/** Every engine's Layer for a configuration. */
const layers: Readonly<Record<EngineName, (config: EngineConfig) => EngineLayer>> = {
  tensorflow: (config) =>
    load("tensorflow", async () => (await import("./tensorflow/TensorflowEngine.ts")).layerWith(config)),
  webgpu: (config) => load("webgpu", async () => (await import("./webgpu/WebgpuEngine.ts")).layerWith(config)),
  wasm: () => load("wasm", async () => (await import("./wasm/WasmEngine.ts")).layer),
  reference: () => load("reference", async () => (await import("./reference/ReferenceEngine.ts")).layer)
}

/** What `auto` tries, the preferred first; `reference` is slow, and taken by name only. */
const preferred: ReadonlyArray<{ readonly name: EngineName; readonly on: "gpu" | "cpu" }> = [
  { name: "tensorflow", on: "gpu" },
  { name: "webgpu", on: "gpu" },
  { name: "tensorflow", on: "cpu" },
  { name: "wasm", on: "cpu" }
]

/** An engine that is to be tried, and how. */
type Candidate = EngineConfig & { readonly name: EngineName }

const candidatesOf = (config: EngineConfig): ReadonlyArray<Candidate> => {
  const { device, name } = config
  if (name !== "auto") return [{ ...config, name }]
  return preferred
    .filter(({ on }) => device === "auto" || device.startsWith(on))
    .map(({ name, on }) => ({ ...config, name, device: device === "auto" ? on : device }))
}

/** The engine in the caller's scope, after its preflight. */
const start = Effect.fnUntraced(function* (candidate: Candidate, network: Network) {
  const { device, name } = candidate
  if (device.startsWith("gpu") && ["wasm", "reference"].includes(name))
    return yield* new EngineUnavailable({
      engine: name,
      reason: `it computes on the processor, and engine.device is "${device}"`,
      cure: `Set engine.device to "cpu", or engine.name to one that uses a GPU.`
    })
  const services = yield* Layer.build(layers[name](candidate))
  const engine = yield* Engine.pipe(Effect.provideContext(services))
  yield* engine.preflight(network)
  return engine
})

/** All engines that come with Weft. */
export const layer = Layer.succeed(Engines, {
  choose: Effect.fn("Engines.choose")(function* (config, network) {
    const failures: Array<EngineUnavailable> = []
    for (const candidate of candidatesOf(config)) {
      const started = yield* Effect.result(start(candidate, network))
      if (started._tag === "Success") {
        const { device, name } = started.success.info
        // A name may be the command line's, the configuration's or the run's own: there is nothing to explain.
        const why = config.name === "auto" ? ", the best that runs here" : ""
        yield* report({ _tag: "Note", line: `engine ${name} (${device})${why}` })
        return started.success
      }
      failures.push(started.failure)
    }
    return yield* new EngineUnavailable({
      engine: config.name,
      reason: failures
        .map(({ engine, reason }) => (config.name === "auto" ? `${engine}: ${reason}` : reason))
        .join("; "),
      cure: [...new Set(failures.map(({ cure }) => cure))].join(" ")
    })
  }),
  survey: (network) =>
    Effect.forEach(Names.literals, (name) =>
      start({ ...defaultEngine, name }, network).pipe(
        Effect.scoped,
        Effect.match({
          onSuccess: ({ info }): EngineStatus => ({ name, available: true, info }),
          onFailure: ({ cure, reason }): EngineStatus => ({ name, available: false, reason, cure })
        })
      )
    )
})
