import { Array, Effect, Option, Path } from "effect"
import { ConfigError } from "../config/RunConfig.ts"
import { readRunEngine } from "../run/train/RunEngine.ts"
import type { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { usedKeys, refuseUnused } from "./usedKeys.ts"
import { runOr } from "./latestRun.ts"
import { readRunConfig } from "./readConfig.ts"

/** The engine that a run was trained on; undefined where `--set` names another. */
export const recordedEngine = (folder: RunFolder["Service"], sets: ReadonlyArray<string>) =>
  sets.some((assignment) => /^engine[.=]/.test(assignment)) ? Effect.undefined : readRunEngine(folder)

/**
 * The named runs, or the newest finished one where none is named, each with its own configuration, changed by `sets`.
 * Fails with a ConfigError where a run is named twice, or a key is set that the command does not use.
 */
export const finishedRuns = Effect.fnUntraced(function* (
  command: keyof typeof usedKeys,
  named: ReadonlyArray<string>,
  sets: ReadonlyArray<string>
) {
  const { resolve } = yield* Path.Path
  const folders = new Set<string>()
  const again = named.find((path) => folders.size === folders.add(resolve(path)).size)
  if (again !== undefined)
    return yield* new ConfigError({
      where: `--run ${again}`,
      problems: ["this run is named twice and would count twice: name it once"]
    })
  const paths = Array.isReadonlyArrayNonEmpty(named) ? named : Array.of(yield* runOr(Option.none()))
  return yield* Effect.forEach(
    paths,
    Effect.fnUntraced(function* (path) {
      const config = yield* readRunConfig(path, sets)
      // Reading the configuration has refused unknown keys, with a suggestion.
      yield* refuseUnused(command, sets)
      const folder = yield* Runs.use((runs) => runs.existing(path))
      return { config, folder, recorded: yield* recordedEngine(folder, sets) }
    })
  )
})
