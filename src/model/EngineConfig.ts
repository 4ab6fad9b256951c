import { Schema } from "effect"
import { setting } from "../Setting.ts"

/** The names of the engines, the preferred first. */
export const EngineName = Schema.Literals(["wasm", "mock"])
export type EngineName = typeof EngineName.Type

/** Which engine trains. */
export const EngineConfig = Schema.Struct({
  name: setting(
    Schema.Literals(["auto", ...EngineName.literals]),
    "auto",
    "`auto` takes the best one that passes its preflight; a name takes that one or ends with exit code 4"
  )
})
export type EngineConfig = typeof EngineConfig.Type
