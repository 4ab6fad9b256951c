import { Struct } from "effect"
import { canonical } from "../pipeline/canonical.ts"
import { sha256 } from "../pipeline/sha256.ts"
import type { RunConfig } from "../config/RunConfig.ts"

/**
 * SHA-256 of what a configuration's result depends on, in hex.
 *
 * Left out, for they change no weight: the name, where the data may lie (their content has a digest of its own), the loader,
 * the features' cache, what is written for TensorBoard, what the page compares it with, and when checkpoints are written.
 */
export const configDigest = (config: RunConfig) =>
  sha256(
    canonical({
      ...Struct.omit(config, ["name", "loader", "experiment", "tensorboard"]),
      data: Struct.omit(config.data, ["root", "allow"]),
      features: Struct.omit(config.features, ["cache"]),
      train: Struct.omit(config.train, ["checkpoint"])
    })
  )
