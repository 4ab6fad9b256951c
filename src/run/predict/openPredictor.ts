import { Effect, Option, Schema } from "effect"
import { EngineName } from "../../model/EngineConfig.ts"
import type { EngineConfig } from "../../model/EngineConfig.ts"
import { Engines } from "../../model/Engines.ts"
import { FeaturesName } from "../../model/Features.ts"
import { openFeaturesPredictor } from "../../model/featuresPredictor.ts"
import type { Model } from "../../model/Model.ts"
import { openModel } from "../../model/openModel.ts"
import { forEngine } from "../../model/parts.ts"
import { report } from "../../pipeline/Progress.ts"
import type { RunEngine } from "../train/RunEngine.ts"

/** The engines that can apply a trained network: those that train, and those that only apply. */
export const PredictorName = Schema.Literals(["auto", ...FeaturesName.literals, ...EngineName.literals])
export type PredictorName = typeof PredictorName.Type

const isFeaturesName = Schema.is(FeaturesName)

/** A model in the engine of a configuration. */
export const openEngine = Effect.fn("openEngine")(function* (config: EngineConfig, model: Model) {
  const engine = yield* Engines.use((engines) => engines.choose(config, forEngine(model.network)))
  const { device, name } = engine.info
  return { name, device, predictor: yield* openModel(engine, model), calls: 1 }
})

/**
 * Opens a model in the engine that its run ran on. Where that is not known or cannot run here, in the configured one,
 * and a note names it. An engine that is configured by name is never replaced.
 */
export const openRunEngine = Effect.fn("openRunEngine")(function* (
  config: EngineConfig,
  model: Model,
  recorded: RunEngine | undefined
) {
  if (recorded === undefined) return yield* openEngine(config, model)
  const { device, name } = recorded
  return yield* Effect.catchTag(openEngine({ ...config, name, device }, model), "EngineUnavailable", (error) =>
    config.name === name
      ? Effect.fail(error)
      : Effect.andThen(
          report({ _tag: "Note", line: `the run ran on ${name}, but is measured on another engine: ${error.message}` }),
          openEngine(config, model)
        )
  )
})

const openFeatures = Effect.fnUntraced(function* (model: Model, by?: FeaturesName) {
  const { calls, key, name, predictor } = yield* openFeaturesPredictor(model, by)
  yield* report({ _tag: "Note", line: `engine ${key}` })
  return { name, device: "CPU", predictor, calls }
})

/**
 * Opens a model in the requested engine, until the Scope closes.
 *
 * `auto`: an engine on a GPU where one runs; else the quickest of `Features`, which are several times as fast on a CPU
 * as the other engines; else the one that `Engines` chooses for the CPU. The logits of all agree to 1e-4.
 */
export const openPredictor = Effect.fn("openPredictor")(function* (
  config: EngineConfig,
  model: Model,
  name: PredictorName
) {
  if (isFeaturesName(name)) return yield* openFeatures(model, name)
  if (name !== "auto") return yield* openEngine({ ...config, name }, model)
  const { device } = config
  const onDevice = (device: string) =>
    Engines.use((engines) => engines.choose({ ...config, name, device }, forEngine(model.network)))
  if (device !== "cpu") {
    const found = yield* Effect.option(onDevice(device === "auto" ? "gpu" : device))
    if (Option.isSome(found) && !found.value.info.device.startsWith("CPU"))
      return { ...found.value.info, predictor: yield* openModel(found.value, model), calls: 1 }
    // A named GPU that is missing is an error: choosing it again gives that error.
    if (device !== "auto") return yield* openEngine({ ...config, name }, model)
  }
  return yield* openFeatures(model).pipe(
    Effect.catchTag("EngineUnavailable", ({ message }) =>
      report({ _tag: "Note", line: message }).pipe(
        Effect.andThen(openEngine({ ...config, name, device: "cpu" }, model))
      )
    )
  )
})
