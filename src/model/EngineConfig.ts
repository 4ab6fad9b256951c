import { Schema } from "effect"
import { intBetween, optionalSetting, setting } from "../config/Setting.ts"

/** The names of the engines, the preferred first. */
export const EngineName = Schema.Literals(["tensorflow", "webgpu", "wasm", "reference"])
export type EngineName = typeof EngineName.Type

/** Which engine trains, and on what. */
export const EngineConfig = Schema.Struct({
  name: setting(
    Schema.Literals(["auto", ...EngineName.literals]),
    "auto",
    "`auto` takes the best engine that passes its preflight; a named engine that cannot run ends the run with exit code 4"
  ),
  device: setting(
    Schema.String.check(Schema.isPattern(/^(auto|cpu|gpu|gpu:\d{1,3})$/, { expected: "auto, cpu, gpu or gpu:NUMBER" })),
    "auto",
    "`cpu`, `gpu`, or `gpu:1` for the second one; `auto` takes a GPU where one runs; a device that is named and missing ends the run with exit code 4. For webgpu, `cpu` is a software adapter (SwiftShader, llvmpipe), which only `cpu` selects"
  ),
  memoryGrowth: setting(Schema.Boolean, true, "tensorflow: take a GPU's memory as needed, not all at once"),
  memoryLimit: optionalSetting(intBetween(64, 10_000_000), "tensorflow: the most of a GPU's memory to take, in MiB")
})
export type EngineConfig = typeof EngineConfig.Type

/** The defaults. */
export const defaultEngine: EngineConfig = { name: "auto", device: "auto", memoryGrowth: true }
