import { Array, Effect, Option, Path } from "effect"
import { ConfigError } from "../RunConfig.ts"
import { readRunEngine } from "../run/RunEngine.ts"
import type { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { heededKeys, refuseUnheeded } from "./heededKeys.ts"
import { runOr } from "./latestRun.ts"
import { readRunConfig } from "./readConfig.ts"

/** What a run ran on, where nothing else is asked for. */
export const recordedEngine = (folder: RunFolder["Service"], sets: ReadonlyArray<string>) =>
  sets.some((assignment) => /^engine[.=]/.test(assignment)) ? Effect.undefined : readRunEngine(folder)

/**
 * The runs that are meant, the newest finished one where none is named, each with its own configuration, which all `sets`
 * change. Fails with a ConfigError where one is named twice, or a key is set that the command does not heed.
 */
export const finishedRuns = Effect.fnUntraced(function* (
  command: keyof typeof heededKeys,
  named: ReadonlyArray<string>,
  sets: ReadonlyArray<string>
) {
  const { resolve } = yield* Path.Path
  const folders = named.map((path) => resolve(path))
  const again = named.find((_, i) => folders.indexOf(folders[i]!) !== i) // as many as are named
  if (again !== undefined)
    return yield* new ConfigError({
      where: `--run ${again}`,
      problems: ["this run is named twice, and would count twice: leave one out"]
    })
  const paths = Array.isReadonlyArrayNonEmpty(named) ? named : Array.of(yield* runOr(Option.none()))
  return yield* Effect.forEach(
    paths,
    Effect.fnUntraced(function* (path) {
      const config = yield* readRunConfig(path, sets)
      // An unknown key has been refused by now, with the one that it may mean.
      yield* refuseUnheeded(command, sets)
      const folder = yield* Runs.use((runs) => runs.existing(path))
      return { config, folder, recorded: yield* recordedEngine(folder, sets) }
    })
  )
})
