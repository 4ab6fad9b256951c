import { Effect, Layer } from "effect"
import { Features } from "../../model/Features.ts"
import * as AmxFeatures from "./amx/AmxFeatures.ts"
import * as OnnxFeatures from "./OnnxFeatures.ts"

const serviceOf = (layer: Layer.Layer<Features>) => Effect.provide(Features, layer)

const make = (place: OnnxFeatures.OnnxSettings["place"]) =>
  Layer.effect(
    Features,
    Effect.gen(function* () {
      const amx = yield* serviceOf(AmxFeatures.layer)
      const onnxruntime = yield* serviceOf(OnnxFeatures.layerWith({ place }))
      return {
        examine: onnxruntime.examine,
        open: (frozen, by) =>
          by === undefined
            ? Effect.catchIf(
                amx.open(frozen),
                ({ reason }) => reason === "unavailable",
                () => onnxruntime.open(frozen)
              )
            : { amx, onnxruntime }[by].open(frozen)
      }
    })
  )

/**
 * Features on the CPU: by its matrix unit (AMX) where it has one and the addon is installed, else by onnxruntime; or by
 * the engine that the caller names.
 */
export const layer = make(undefined)

/** The same for a server: onnxruntime computes in threads of its own, and does not block the caller's. */
export const layerServing = make("apart")
