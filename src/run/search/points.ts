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
import { hasValidation } from "../../pipeline/DataConfig.ts"
import type { Repetition } from "./SearchResult.ts"

/** One point of the space, ready to be trained, or one of its repetitions. */
export interface Trial {
  /** Unique in its search, and a folder's name: `007-vgg16-fc-0.01`; of a repetition, `007s2f1-vgg16-fc-0.01`. */
  readonly id: string
  readonly settings: Settings
  readonly config: RunConfig
  /** `configDigest` of the configuration. */
  readonly digest: string
  /** Where every setting is trained several times. */
  readonly repetition?: Repetition
  /** The configuration of its setting: without a fold, and with the base's seed. */
  readonly plain: RunConfig
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

/** A repetition of a setting before it is configured. */
type Planned = Omit<Repetition, "setting">

/** The repetitions of every setting; one without a seed or a fold where there are none. */
const planned = ({ folds, seeds }: SearchConfig, first: number): ReadonlyArray<Planned> => {
  const ofSeeds: ReadonlyArray<Planned> =
    seeds === undefined
      ? [{}]
      : (typeof seeds === "number" ? Array.from({ length: seeds }, (_, i) => first + i) : seeds).map((seed) => ({
          seed
        }))
  return folds === undefined
    ? ofSeeds
    : ofSeeds.flatMap((one) => Array.from({ length: folds }, (_, i) => ({ ...one, fold: i + 1 })))
}

/** A setting's configuration with the keys of one of its repetitions; the test part stays that of the setting. */
const repeated = (raw: Table, { folds: of }: SearchConfig, plain: RunConfig, { fold, seed }: Planned): Table => {
  let next = raw
  if (seed !== undefined) {
    next = setKey(next, "seed", seed)
    next = setKey(next, "data.split.seed", plain.data.split.seed ?? plain.seed)
  }
  return fold === undefined
    ? next
    : setKey(next, "data.split.fold", { number: fold, of, ...(seed !== undefined && { seed }) })
}

/** What a trial's configuration lacks for its objective or strategy. */
const unfit = ({ objective, strategy }: SearchConfig, config: RunConfig): ReadonlyArray<string> => {
  const path = objective.metric
  const { calibration, data, train } = config
  const lacks = (part: "validation" | "test") =>
    part === "validation" ? !hasValidation(data.split) : data.split.test === 0
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
    const refuse = (problems: ReadonlyArray<string>) =>
      bad.push({ trial: `${index + 1} (${settingsText(settings)})`, problems })
    const decoded = yield* Effect.result(decodeRunConfig(raw, where))
    if (Result.isFailure(decoded)) {
      refuse(decoded.failure.problems)
      continue
    }
    const plain = decoded.success
    const plainDigest = yield* configDigest(plain)
    const sameAs = byDigest.get(plainDigest)
    if (sameAs !== undefined) {
      duplicates.push({ settings, sameAs })
      continue
    }
    byDigest.set(plainDigest, id)
    const problems = new Set<string>()
    for (const one of planned(search, plain.seed)) {
      const isOnly = one.seed === undefined && one.fold === undefined
      const own = isOnly ? id : trialId(index, settings, one)
      const trial = isOnly
        ? decoded
        : yield* Effect.result(
            decodeRunConfig({ ...repeated(raw, search, plain, one), name: `${search.name}-${own}` }, where)
          )
      const wrong = Result.isFailure(trial) ? trial.failure.problems : unfit(search, trial.success)
      for (const problem of wrong) problems.add(problem)
      if (Result.isFailure(trial)) continue
      const config = trial.success
      const digest = isOnly ? plainDigest : yield* configDigest(config)
      trials.push({ id: own, settings, config, digest, plain, ...(!isOnly && { repetition: { setting: id, ...one } }) })
    }
    if (problems.size > 0) refuse([...problems])
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
