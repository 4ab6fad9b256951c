import { Schema } from "effect"
import { setting } from "../config/Setting.ts"
import { FeaturesName } from "./Features.ts"

/** How the frozen part of a network is applied, where one is frozen for a whole run. */
export const FeaturesConfig = Schema.Struct({
  engine: setting(
    Schema.Literals(["auto", ...FeaturesName.literals, "engine"]),
    "auto",
    "What applies the frozen blocks: `amx`, the matrix unit of newer Intel processors (after `backend:install`), `onnxruntime`, several times as fast on a processor as the `engine` that trains, or that. `auto`: the first that runs here, or the engine where it has a GPU"
  ),
  cache: setting(
    Schema.Boolean,
    true,
    "Keep the frozen blocks' features on disk: later epochs and runs that see the same views of the same images do not compute them again"
  )
})
export type FeaturesConfig = typeof FeaturesConfig.Type
