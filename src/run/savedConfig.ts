import { Effect, Schema } from "effect"
import { decodeRunConfig } from "../config/RunConfig.ts"
import type { RunFolder } from "./RunFolder.ts"

/** The configuration in a run's folder. */
export const savedConfig = Effect.fn("savedConfig")(function* (folder: RunFolder["Service"]) {
  const text = new TextDecoder().decode(yield* folder.read("config.json"))
  const raw = yield* Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))(text)
  return yield* decodeRunConfig(raw, `${folder.path}/config.json`)
})
