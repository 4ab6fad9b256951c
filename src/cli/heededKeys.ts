import { Effect } from "effect"
import { ConfigError } from "../RunConfig.ts"

/** Of a run's configuration, what decides how its model is applied; all else was decided when it was trained. */
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
export const heededKeys = {
  predict: applied,
  evaluate: [...applied, "calibration.bins", "data", "loader.cache", "loader.cacheSize", "seed"].toSorted()
} as const

const isApplied = (command: string): command is keyof typeof heededKeys => Object.hasOwn(heededKeys, command)

/** Whether a command heeds a key; those that train heed all. */
export const isHeeded = (command: string, key: string): boolean => {
  const heeded: ReadonlyArray<string> = isApplied(command) ? heededKeys[command] : [key]
  return heeded.some((one) => key === one || key.startsWith(`${one}.`))
}

/** Refuses to set a key that would change nothing. */
export const refuseUnheeded = (command: keyof typeof heededKeys, sets: ReadonlyArray<string>) => {
  const ignored = sets
    .map((assignment) => assignment.slice(0, assignment.indexOf("=")))
    .filter((key) => !isHeeded(command, key))
  const [first] = ignored
  if (first === undefined) return Effect.void
  return Effect.fail(
    new ConfigError({
      where: `--set ${first}`,
      problems: [
        `${command} takes ${ignored.join(", ")} from the run, whose model was trained with it, and would not heed another; it heeds ${heededKeys[command].join(", ")}`
      ]
    })
  )
}
