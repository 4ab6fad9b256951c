import { Schema } from "effect"
import { setting } from "../Setting.ts"

/** Which network is trained. */
export const NetworkConfig = Schema.Struct({
  name: setting(Schema.Literals(["simple-cnn"]), "simple-cnn", "The network's name")
})
export type NetworkConfig = typeof NetworkConfig.Type
