import { Effect, Layer } from "effect"
import * as EngineFeatures from "../../model/EngineFeatures.ts"
import { Engine } from "../../model/Engine.ts"
import { Features } from "../../model/Features.ts"
import type { FeaturesName } from "../../model/Features.ts"
import type { FeaturesConfig } from "../../model/Features.ts"
import type { Frozen } from "../../model/onnx/onnxModel.ts"
import { report } from "../../pipeline/Progress.ts"

/** The frozen part of a network in what is configured to apply it, and says which that is. */
export const openFeatures = Effect.fn("openFeatures")(function* (
  engine: Engine["Service"],
  config: FeaturesConfig,
  frozen: Frozen
) {
  const own = Effect.gen(function* () {
    const context = yield* Layer.build(EngineFeatures.layer.pipe(Layer.provide(Layer.succeed(Engine, engine))))
    const features = yield* Features.pipe(Effect.provideContext(context))
    return yield* features.open(frozen)
  })
  const other = (by?: FeaturesName) => Features.use((features) => features.open(frozen, by))
  const best = other().pipe(
    Effect.catchTag("FeaturesError", (error) =>
      error.reason === "unavailable"
        ? Effect.andThen(report({ _tag: "Note", line: `${error.message}; the engine itself does it` }), own)
        : Effect.fail(error)
    )
  )
  const isOnGpu = !engine.info.device.startsWith("CPU")
  const by = config.engine === "auto" && isOnGpu ? "engine" : config.engine
  const opened = yield* by === "engine" ? own : by === "auto" ? best : other(by)
  yield* report({ _tag: "Note", line: `${frozen.blocks.length} blocks are frozen, and applied by ${opened.key}` })
  return opened
})
