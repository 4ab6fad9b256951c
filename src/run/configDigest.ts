import { Struct } from "effect"
import { sha256 } from "../pipeline/sha256.ts"
import type { RunConfig } from "../config/RunConfig.ts"

/**
 * SHA-256 of what a configuration's result depends on, in hex.
 *
 * Left out, for they change no weight: the name, where the data may lie (their content has a digest of its own), the loader,
 * the features' cache, what is written for TensorBoard, and when checkpoints are written.
 */
export const configDigest = (config: RunConfig) =>
  sha256(
    canonical({
      ...Struct.omit(config, ["name", "loader", "tensorboard"]),
      data: Struct.omit(config.data, ["root", "allow"]),
      features: Struct.omit(config.features, ["cache"]),
      train: Struct.omit(config.train, ["checkpoint"])
    })
  )

/** JSON that does not depend on the order of an object's keys. */
export const canonical = (value: unknown): string => JSON.stringify(sorted(value))

/** The same value with the keys of every object in order. */
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, inner]) => [key, sorted(inner)])
        )
      : value
