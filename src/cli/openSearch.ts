import { Effect, FileSystem, Option, Path } from "effect"
import { ConfigError } from "../config/RunConfig.ts"
import { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { checkTrials } from "../run/search/checkTrials.ts"
import { searchPoints } from "../run/search/points.ts"
import { newSearch, readSearch } from "../run/search/searchFile.ts"
import { ownConfig } from "./ownConfig.ts"
import { resumeWhich } from "./latestRun.ts"
import { newFolder } from "./newFolder.ts"
import { readSearchConfig } from "./readSearchConfig.ts"

/** Where `--config` is left out. */
const defaultSearch = ownConfig("search-quick.toml")

/** What the command line says of a search. */
export interface SearchOptions {
  readonly config: Option.Option<string>
  readonly set: ReadonlyArray<string>
  readonly run: Option.Option<string>
  readonly resume: boolean
}

/** The search of a folder, as it was left. */
const existing = Effect.fnUntraced(function* ({ config, run, set }: SearchOptions) {
  if (Option.isNone(run)) return yield* yield* resumeWhich("search", "search.json", "trials.csv")
  if (Option.isSome(config) || set.length > 0)
    return yield* new ConfigError({
      where: "--resume",
      problems: ["goes with --run DIR alone: the configuration is the one that the search began with"]
    })
  const nothing = new ConfigError({
    where: `--run ${run.value}`,
    problems: ["there is no search in this folder (it has no search.json)"]
  })
  const folder = yield* Effect.mapError(
    Runs.use((runs) => runs.existing(run.value)),
    () => nothing
  )
  if (!(yield* folder.has("search.json"))) return yield* nothing
  const search = yield* Effect.provideService(readSearch, RunFolder, folder)
  return { search, folder, shown: run.value, where: `${run.value}/search.json` }
})

/** Whether a trial of a search has begun, or a cluster has it: what a start that failed left is no search. */
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

/** The search that is asked for, with all its trials checked; nothing of it has been written yet. */
export const openSearch = Effect.fn("openSearch")(function* (options: SearchOptions) {
  const path = yield* Path.Path
  const opened = yield* options.resume ? existing(options) : beginning(options)
  const { trials } = yield* searchPoints(opened.search.config, opened.where)
  const absolute = path.resolve(opened.shown)
  return { ...opened, trials, folder: { ...opened.folder, path: absolute } }
})
