import { Schema } from "effect"
import { setting } from "../Setting.ts"

/** How the frozen part of a network is applied, where one is frozen for a whole run. */
export const FeaturesConfig = Schema.Struct({
  engine: setting(
    Schema.Literals(["auto", "onnxruntime", "engine"]),
    "auto",
    "What applies the frozen blocks: `onnxruntime`, several times as fast on a processor, or the `engine` that trains. `auto`: onnxruntime where it runs, unless the engine has a GPU"
  ),
  cache: setting(
    Schema.Boolean,
    true,
    "Keep the frozen blocks' features on disk: later epochs and runs that see the same views of the same images do not compute them again"
  )
})
export type FeaturesConfig = typeof FeaturesConfig.Type
