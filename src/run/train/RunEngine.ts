import { Effect, Schema } from "effect"
import type { Engine } from "../../model/Engine.ts"
import { EngineName } from "../../model/EngineConfig.ts"
import type { OpenFeatures } from "../../model/Features.ts"
import { FeaturesName } from "../../model/Features.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import type { RunFolder } from "../RunFolder.ts"
import { RunFolderError } from "../RunFolder.ts"

/**
 * What a run began on, as its `engine.json` keeps it: with it the run goes on, is measured and verified, whatever a
 * configuration of `auto` would choose later or elsewhere.
 */
export const RunEngine = Schema.Struct({
  /** What `engine.name` and `engine.device` have to be to have it again. */
  name: Schema.Literals(["auto", ...EngineName.literals]),
  device: Schema.String,
  /** What applies the frozen part, as `features.engine` names it; absent where no part is frozen for the whole run. */
  features: Schema.optionalKey(Schema.Literals(["auto", ...FeaturesName.literals, "engine"]))
})
export type RunEngine = typeof RunEngine.Type

const RunEngineText = Schema.fromJsonString(RunEngine)

/** What a configuration asks for. */
export const configuredEngine = ({ engine, features }: RunConfig): RunEngine => ({
  name: engine.name,
  device: engine.device,
  features: features.engine
})

/** What was chosen, as it is to be asked for again; an engine of one's own has no name to be asked for by. */
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

/** What the run in a folder began on; nothing where it has not begun, or did so in Weft 0.1. */
export const readRunEngine = Effect.fn("readRunEngine")(function* (folder: RunFolder["Service"]) {
  if (!(yield* folder.has("engine.json"))) return undefined
  const text = new TextDecoder().decode(yield* folder.read("engine.json"))
  return yield* Effect.mapError(
    Schema.decodeEffect(RunEngineText)(text),
    ({ message }) =>
      new RunFolderError({
        path: `${folder.path}/engine.json`,
        reason: "invalid",
        detail: `this does not say what the run began on (${message}). Remove it, and the configuration says it`
      })
  )
})
