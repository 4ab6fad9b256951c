import { Effect, Schema } from "effect"
import type { Engine } from "../../model/Engine.ts"
import { EngineName } from "../../model/EngineConfig.ts"
import type { OpenFeatures } from "../../model/Features.ts"
import { FeaturesName } from "../../model/Features.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import type { RunFolder } from "../RunFolder.ts"
import { RunFolderError } from "../RunFolder.ts"

/**
 * The engine that a run began on, as in `engine.json`. The run is resumed, measured and verified with it, whatever
 * `auto` would choose later or elsewhere.
 */
export const RunEngine = Schema.Struct({
  /** `engine.name` and `engine.device` that choose it again. */
  name: Schema.Literals(["auto", ...EngineName.literals]),
  device: Schema.String,
  /** The engine of the frozen part, as `features.engine` names it; absent where no part is frozen for the whole run. */
  features: Schema.optionalKey(Schema.Literals(["auto", ...FeaturesName.literals, "engine"]))
})
export type RunEngine = typeof RunEngine.Type

const RunEngineText = Schema.fromJsonString(RunEngine)

/** The engine that a configuration asks for. */
export const configuredEngine = ({ engine, features }: RunConfig): RunEngine => ({
  name: engine.name,
  device: engine.device,
  features: features.engine
})

/** The chosen engine as a configuration that chooses it again; a custom engine has no name that could be configured. */
export const chosenEngine = (
  asked: RunEngine,
  { info }: Engine["Service"],
  features: OpenFeatures | undefined
): RunEngine => {
  const isOn = info.device.startsWith("CPU") ? "cpu" : "gpu"
  const isName = Schema.is(EngineName)
  const isFeatures = Schema.is(FeaturesName)
  return {
    name: isName(info.name) ? info.name : asked.name,
    device: asked.device === "auto" ? isOn : asked.device,
    ...(features !== undefined && { features: isFeatures(features.engine) ? features.engine : "engine" })
  }
}

/** A run's `engine.json`. */
export const runEngineText = (engine: RunEngine): string => `${JSON.stringify(engine, null, 2)}\n`

/** The engine that the run in a folder began on; undefined where it has not begun, or began in Weft 0.1. */
export const readRunEngine = Effect.fn("readRunEngine")(function* (folder: RunFolder["Service"]) {
  if (!(yield* folder.has("engine.json"))) return undefined
  const text = new TextDecoder().decode(yield* folder.read("engine.json"))
  return yield* Effect.mapError(
    Schema.decodeEffect(RunEngineText)(text),
    ({ message }) =>
      new RunFolderError({
        path: `${folder.path}/engine.json`,
        reason: "invalid",
        detail: `this does not name the engine that the run began on (${message}). Remove the file, and the configuration decides`
      })
  )
})
