import { Effect } from "effect"
import type { RunConfig } from "../config/RunConfig.ts"
import { ConfigError } from "../config/RunConfig.ts"
import { TrainedFurther } from "../model/trainingFaults.ts"
import { report } from "../pipeline/Progress.ts"
import { configDigest } from "../run/configDigest.ts"
import { finishedReport } from "../run/finishedReport.ts"
import type { RunFolder } from "../run/RunFolder.ts"
import { scheduleNote } from "../run/train/trainLonger.ts"
import { readRunConfig } from "./readConfig.ts"

/** The keys and sections that may change when a run goes on; its weights were made with all others. */
const changeable = [
  "data.allow",
  "data.root",
  "features.cache",
  "loader",
  "tensorboard",
  "train.checkpoint",
  "train.earlyStopping",
  "train.epochs"
]

const refuseOthers = (sets: ReadonlyArray<string>) => {
  const others = sets
    .map((assignment) => assignment.slice(0, assignment.indexOf("=")))
    .filter((key) => !changeable.some((one) => key === one || key.startsWith(`${one}.`)))
  const [first] = others
  if (first === undefined) return Effect.void
  const engine = first.startsWith("engine.") ? "; --engine NAME goes on with another engine" : ""
  return Effect.fail(
    new ConfigError({
      where: `--set ${first}`,
      problems: [
        `the run was begun with its own ${others.join(", ")}, which made its weights: going on, it cannot change. ` +
          `What can: ${changeable.join(", ")}${engine}`
      ]
    })
  )
}

/** The configuration that a run goes on with, and the one that it had, where keys are set. */
export const goingOn = Effect.fn("goingOn")(function* (path: string, sets: ReadonlyArray<string>) {
  const before = yield* readRunConfig(path)
  if (sets.length === 0) return { before, config: before }
  const config = yield* readRunConfig(path, sets)
  yield* refuseOthers(sets)
  return { before, config }
})

/**
 * What is to be known of a run that goes on with another configuration: the digest of the one that it had, under which its
 * checkpoints are its own; undefined where the two are one. A note says what becomes of the learning rate.
 */
export const formerOf = Effect.fn("formerOf")(function* (
  path: string,
  folder: RunFolder["Service"],
  before: RunConfig,
  config: RunConfig
) {
  const former = yield* configDigest(before)
  if (former === (yield* configDigest(config))) return undefined
  const finished = yield* finishedReport(folder, before, path)
  const done = finished?.history.length ?? 0
  if (done > config.train.epochs) return yield* new TrainedFurther({ epochs: done })
  const patience = config.train.earlyStopping?.patience
  if (
    finished !== undefined &&
    finished.history.length < before.train.epochs &&
    patience !== undefined &&
    patience <= (before.train.earlyStopping?.patience ?? 0)
  )
    return yield* new ConfigError({
      where: "--resume",
      problems: [
        `the run stopped early, after ${finished.history.length} epochs, and more epochs alone would not make it go on: ` +
          `add --set train.earlyStopping.patience=N, more than ${patience}`
      ]
    })
  const line = scheduleNote(before, config, finished)
  if (line !== undefined) yield* report({ _tag: "Note", line })
  return former
})
