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
    "`auto` takes the best one that passes its preflight; a name takes that one or ends with exit code 4"
  ),
  device: setting(
    Schema.String.check(Schema.isPattern(/^(auto|cpu|gpu|gpu:\d{1,3})$/, { expected: "auto, cpu, gpu or gpu:NUMBER" })),
    "auto",
    "`cpu`, `gpu`, or `gpu:1` for the second one; `auto` takes a GPU where one runs; one that is asked for and not there ends with exit code 4. For webgpu, `cpu` is an adapter in software (SwiftShader, llvmpipe), which nothing else takes"
  ),
  memoryGrowth: setting(Schema.Boolean, true, "tensorflow: take a GPU's memory as it is needed, not all at once"),
  memoryLimit: optionalSetting(intBetween(64, 10_000_000), "tensorflow: most of a GPU's memory that is taken, in MiB")
})
export type EngineConfig = typeof EngineConfig.Type

/** What is configured where nothing is. */
export const defaultEngine: EngineConfig = { name: "auto", device: "auto", memoryGrowth: true }
