import { Effect, FileSystem, Option, Path } from "effect"
import { ConfigError } from "../config/RunConfig.ts"
import { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { checkTrials } from "../run/search/checkTrials.ts"
import { searchPoints } from "../run/search/points.ts"
import { newSearch, readSearch } from "../run/search/searchFile.ts"
import { report } from "../pipeline/Progress.ts"
import { checkApart } from "./checkApart.ts"
import { ownConfig } from "./ownConfig.ts"
import { nothingToResume, unfinished } from "./latestRun.ts"
import { newFolder } from "./newFolder.ts"
import { readSearchConfig } from "./readSearchConfig.ts"

/** Where `--config` is left out. */
const defaultSearch = ownConfig("search-quick.toml")

/** The command line's flags for a search. */
export interface SearchOptions {
  readonly config: Option.Option<string>
  readonly set: ReadonlyArray<string>
  readonly run: Option.Option<string>
  readonly resume: boolean
}

/** The search in a folder, as far as it had come. */
const existing = Effect.fnUntraced(function* ({ config, run: named, set }: SearchOptions) {
  if (Option.isSome(config) || set.length > 0)
    return yield* new ConfigError({
      where: "--resume",
      problems: ["only --run DIR goes with it: the configuration is the one that the search began with"]
    })
  const run = Option.isSome(named) ? named.value : (yield* unfinished("search.json", "trials.csv"))[0]
  if (run === undefined) return yield* nothingToResume("search")
  if (Option.isNone(named)) yield* report({ _tag: "Note", line: `search ${run}, the newest that was interrupted` })
  const nothing = new ConfigError({
    where: `--run ${run}`,
    problems: ["there is no search in this folder (it has no search.json)"]
  })
  const folder = yield* Effect.mapError(
    Runs.use((runs) => runs.existing(run)),
    () => nothing
  )
  if (!(yield* folder.has("search.json"))) return yield* nothing
  const search = yield* Effect.provideService(readSearch, RunFolder, folder)
  return { search, folder, shown: run, where: `${run}/search.json` }
})

/** Whether a trial of the search has begun, or a cluster has it. What is left of a failed start is not a search. */
const isBegun = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const trials = yield* Effect.orElseSucceed(fs.readDirectory(`${path}/trials`), (): Array<string> => [])
  return trials.length > 0 || (yield* Effect.orElseSucceed(fs.exists(`${path}/cluster-key`), () => false))
})

/** A search that is to begin. */
const beginning = Effect.fnUntraced(function* ({ config, run, set }: SearchOptions) {
  const { search, where } = yield* readSearchConfig(
    Option.getOrElse(config, () => defaultSearch),
    set
  )
  const points = yield* searchPoints(search, where)
  yield* checkTrials(points.trials, where)
  const shown = Option.isSome(run) ? run.value : yield* newFolder(search.name)
  yield* checkApart(
    shown,
    points.trials.map((trial) => trial.config)
  )
  const { folder } = yield* Runs.use((runs) => runs.open(shown, 1))
  if ((yield* folder.has("search.json")) && (yield* isBegun(shown)))
    return yield* new ConfigError({
      where: `--run ${shown}`,
      problems: ["there is a search in this folder already; add --resume to go on with it, or name another folder"]
    })
  if ((yield* folder.has("report.json")) || (yield* folder.has("checkpoints")))
    return yield* new ConfigError({
      where: `--run ${shown}`,
      problems: ["there is a run in this folder already; name another folder"]
    })
  return { search: newSearch(search, points), folder, shown, where }
})

/** The search to begin or to resume, with all its trials checked. Nothing is written yet. */
export const openSearch = Effect.fn("openSearch")(function* (options: SearchOptions) {
  const path = yield* Path.Path
  const opened = yield* options.resume ? existing(options) : beginning(options)
  const { trials } = yield* searchPoints(opened.search.config, opened.where)
  const absolute = path.resolve(opened.shown)
  return { ...opened, trials, folder: { ...opened.folder, path: absolute } }
})
