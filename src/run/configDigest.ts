import { Struct } from "effect"
import { canonical } from "../pipeline/canonical.ts"
import { sha256 } from "../pipeline/sha256.ts"
import { teacherOf } from "../model/TeacherConfig.ts"
import type { RunConfig } from "../config/RunConfig.ts"

/** The training settings with the teachers' digests instead of their paths. */
const trainOf = (config: RunConfig["train"]) => {
  const { teacher, ...train } = Struct.omit(config, ["checkpoint"])
  if (teacher === undefined) return train
  const { digests, from, ...settings } = teacherOf(teacher)
  return { ...train, teacher: { ...settings, from: digests ?? from } }
}

/**
 * SHA-256 of the part of a configuration that its result depends on, in hex.
 *
 * Left out, because they change no weight: the name, the paths of the data and of teachers (their content has its own
 * digest), the loader, the features' cache, the events for TensorBoard, the experiment that the page compares with, and
 * when checkpoints are written.
 */
export const configDigest = (config: RunConfig) =>
  sha256(
    canonical({
      ...Struct.omit(config, ["name", "loader", "experiment", "tensorboard"]),
      data: Struct.omit(config.data, ["root", "allow"]),
      features: Struct.omit(config.features, ["cache"]),
      train: trainOf(config.train)
    })
  )
