import { Effect, Result } from "effect"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import { configKeys } from "../../config/configKeys.ts"
import type { Table } from "../../config/configTable.ts"
import { setKey } from "../../config/configTable.ts"
import type { SearchConfig } from "./SearchConfig.ts"
import { isGrid } from "./SearchConfig.ts"
import type { Settings } from "./settings.ts"
import { drawn, grid, settingsText, trialId } from "./settings.ts"
import { didYouMean } from "../../config/keySuggestion.ts"
import { ConfigError, decodeRunConfig, RunConfig } from "../../config/RunConfig.ts"
import { configDigest } from "../configDigest.ts"

/** One point of the space, ready to be trained. */
export interface Trial {
  /** Unique in its search, and a folder's name: `007-vgg16-fc-0.01`. */
  readonly id: string
  readonly settings: Settings
  readonly config: RunConfig
  /** `configDigest` of the configuration. */
  readonly digest: string
}

/** What a search trains. */
export interface SearchPoints {
  readonly trials: ReadonlyArray<Trial>
  /** Points with the same configuration as an earlier trial: only that one is trained. */
  readonly duplicates: ReadonlyArray<{ readonly settings: Settings; readonly sameAs: string }>
}

const keys = configKeys(RunConfig)

/** Faults of the axes' keys. */
const axisProblems = ({ axes }: SearchConfig): ReadonlyArray<string> =>
  axes.flatMap(({ path, range }, i) => {
    const at = `\`axes.${i}`
    // A key that takes a table, such as network.trainable, has keys below it that the Schema's list does not name.
    const key = keys.find((known) => known.path === path || (!known.isSection && path.startsWith(`${known.path}.`)))
    if (key === undefined) {
      const known = keys.map(({ path }) => path)
      return [`${at}.path\`: there is no key \`${path}\`${didYouMean(path, known)}`]
    }
    if (range === undefined || !key.isWhole || (Number.isInteger(range.from) && Number.isInteger(range.to))) return []
    return [`${at}.range\`: Expected whole numbers for \`${path}\`, got ${range.from} to ${range.to}`]
  })

/** What a trial's configuration lacks for its objective or strategy. */
const unfit = ({ objective, strategy }: SearchConfig, config: RunConfig): ReadonlyArray<string> => {
  const path = objective.metric
  const { calibration, data, train } = config
  const lacks = (part: "validation" | "test") => data.split[part] === 0
  const columns = labelColumnsOf(data).map(({ column }) => column)
  return [
    ...(objective.column !== undefined && !columns.includes(objective.column)
      ? [
          `the objective's column ${JSON.stringify(objective.column)} is no label column${didYouMean(objective.column, columns)}`
        ]
      : []),
    ...((path.startsWith("validation") || path.startsWith("calibration.validation.")) && lacks("validation")
      ? [`the objective ${path} needs a \`data.split.validation\` above 0`]
      : []),
    ...((path.startsWith("test.") || path.startsWith("calibration.test.")) && lacks("test")
      ? [`the objective ${path} needs a \`data.split.test\` above 0`]
      : []),
    ...(path.startsWith("calibration.") && calibration === undefined
      ? [`the objective ${path} needs a \`calibration\``]
      : []),
    ...(strategy.kind === "halving" && strategy.minEpochs >= train.epochs
      ? [`halving needs \`train.epochs\` (${train.epochs}) above its \`minEpochs\` (${strategy.minEpochs})`]
      : [])
  ]
}

/** Faults, those that all trials have only once. */
const gathered = (
  bad: ReadonlyArray<{ readonly trial: string; readonly problems: ReadonlyArray<string> }>,
  points: number
): ReadonlyArray<string> => {
  const count = Map.groupBy(
    bad.flatMap(({ problems }) => [...new Set(problems)]),
    (problem) => problem
  )
  const isCommon = (problem: string) => points > 1 && count.get(problem)?.length === points
  return [
    ...[...count.keys()].filter(isCommon).map((problem) => `every trial: ${problem}`),
    ...bad.flatMap(({ problems, trial }) =>
      problems.filter((problem) => !isCommon(problem)).map((problem) => `trial ${trial}: ${problem}`)
    )
  ]
}

/**
 * The trials of a search, each with its full configuration, in the order of their numbers.
 *
 * Every point is decoded and checked; one ConfigError names all faulty points, with their settings. `where` is the
 * search's file.
 */
export const searchPoints = Effect.fn("searchPoints")(function* (search: SearchConfig, where: string) {
  const problems = axisProblems(search)
  if (problems.length > 0) return yield* new ConfigError({ where, problems })
  const wholeKeys = new Set(keys.filter(({ isWhole }) => isWhole).map(({ path }) => path))
  const points = isGrid(search) ? grid(search, wholeKeys) : drawn(search, wholeKeys)

  const trials: Array<Trial> = []
  const duplicates: Array<SearchPoints["duplicates"][number]> = []
  const bad: Array<{ readonly trial: string; readonly problems: ReadonlyArray<string> }> = []
  const byDigest = new Map<string, string>()
  for (const [index, settings] of points.entries()) {
    const id = trialId(index, settings)
    let raw: Table = { ...search.base, name: `${search.name}-${id}` }
    for (const { path } of search.axes) raw = setKey(raw, path, settings[path])
    const decoded = yield* Effect.result(decodeRunConfig(raw, where))
    const wrong = Result.isFailure(decoded) ? decoded.failure.problems : unfit(search, decoded.success)
    if (wrong.length > 0 || Result.isFailure(decoded)) {
      bad.push({ trial: `${index + 1} (${settingsText(settings)})`, problems: wrong })
      continue
    }
    const config = decoded.success
    const digest = yield* configDigest(config)
    const sameAs = byDigest.get(digest)
    if (sameAs === undefined) {
      byDigest.set(digest, id)
      trials.push({ id, settings, config, digest })
    } else duplicates.push({ settings, sameAs })
  }
  if (bad.length > 0) return yield* new ConfigError({ where, problems: gathered(bad, points.length) })
  const epochs = new Set(trials.map(({ config }) => config.train.epochs))
  if (search.strategy.kind === "halving" && epochs.size > 1)
    return yield* new ConfigError({
      where,
      problems: [
        `halving sets the epochs of its trials itself: expected one \`train.epochs\`, got ${[...epochs].join(", ")}`
      ]
    })
  return { trials, duplicates } satisfies SearchPoints
})
