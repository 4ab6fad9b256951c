import { Context, Effect, Layer } from "effect"
import type { Scope } from "effect"
import { Engine } from "./Engine.ts"
import type { EngineInfo, EngineUnavailable } from "./Engine.ts"
import type { EngineConfig } from "./EngineConfig.ts"
import type { Network } from "./Network.ts"

/** Whether an engine runs here: its description, or why it does not and what to do. */
export type EngineStatus =
  | { readonly name: string; readonly available: true; readonly info: EngineInfo }
  | { readonly name: string; readonly available: false; readonly reason: string; readonly cure: string }

/** The engines that this program knows. */
export class Engines extends Context.Service<
  Engines,
  {
    /** The configured engine, after a preflight with the network's own blocks; `auto` takes the first that passes. */
    readonly choose: (
      config: EngineConfig,
      network: Network
    ) => Effect.Effect<Engine["Service"], EngineUnavailable, Scope.Scope>
    /** Every engine, the preferred first, tried with a network. */
    readonly survey: (network: Network) => Effect.Effect<ReadonlyArray<EngineStatus>>
  }
>()("weft/model/Engines") {
  /** Always this engine, whatever is configured: for tests, and for a custom engine. */
  static readonly layerOf = <E, R>(engine: Layer.Layer<Engine, E, R>) =>
    Layer.effect(
      Engines,
      Effect.map(Engine, (engine) => ({
        choose: (_: EngineConfig, network: Network) => Effect.as(engine.preflight(network), engine),
        survey: () => Effect.succeed([{ name: engine.info.name, available: true as const, info: engine.info }])
      }))
    ).pipe(Layer.provide(engine))
}
