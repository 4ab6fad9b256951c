import { Effect } from "effect"
import { ConfigError } from "../config/RunConfig.ts"

/** The keys that decide how a trained model is applied; all others were decided when it was trained. */
const applied = [
  "engine",
  "evaluate",
  "image.maxPixels",
  "loader.concurrency",
  "loader.prefetch",
  "loader.workers",
  "train.batchSize"
]

/** The keys and sections that `--set` may change, by the command. */
export const usedKeys = {
  predict: applied,
  evaluate: [...applied, "calibration.bins", "data", "loader.cache", "loader.cacheSize", "seed"].toSorted()
} as const

const isApplied = (command: string): command is keyof typeof usedKeys => Object.hasOwn(usedKeys, command)

/** Whether a command uses a key; commands that train use all. */
export const isUsed = (command: string, key: string): boolean => {
  const used: ReadonlyArray<string> = isApplied(command) ? usedKeys[command] : [key]
  return used.some((one) => key === one || key.startsWith(`${one}.`))
}

/** Refuses to set a key that would have no effect. */
export const refuseUnused = (command: keyof typeof usedKeys, sets: ReadonlyArray<string>) => {
  const ignored = sets
    .map((assignment) => assignment.slice(0, assignment.indexOf("=")))
    .filter((key) => !isUsed(command, key))
  const [first] = ignored
  if (first === undefined) return Effect.void
  return Effect.fail(
    new ConfigError({
      where: `--set ${first}`,
      problems: [
        `${command} does not use ${ignored.join(", ")}: the model was trained with the run's own. It uses ${usedKeys[command].join(", ")}`
      ]
    })
  )
}
