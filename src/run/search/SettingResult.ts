import type { RepeatedMean } from "../../metrics/repeatedMean.ts"
import { repeatedMean } from "../../metrics/repeatedMean.ts"
import { meanOf, rank } from "./objective.ts"
import type { SearchResult, SearchTrial, TrialState } from "./SearchResult.ts"
import { recordOf } from "./SearchResult.ts"
import type { Settings } from "./settings.ts"

/** What is known of a setting: of its one trial, or of all its repetitions. */
export interface SettingResult {
  /** The trial's; of repetitions, what their ids have in common. */
  readonly id: string
  readonly settings: Settings
  /** In the order of their numbers. */
  readonly trials: readonly [SearchTrial, ...ReadonlyArray<SearchTrial>]
  /** `finished` where all trials are; `failed` or `diverged` where one has. */
  readonly state: TrialState
  /** The objective, of repetitions their mean; null unless every trial has one. */
  readonly metric: number | null
  /** Of the objective of repetitions, where every trial has one. */
  readonly spread: RepeatedMean | null
}

/** Whether every setting is trained several times. */
export const isRepeated = ({ config: { folds, seeds } }: Pick<SearchResult, "config">): boolean =>
  folds !== undefined || seeds !== undefined

/** A setting's state: the first of these that a trial of it is in. */
const states = ["failed", "diverged", "running", "waiting", "stopped"] as const

const stateOf = (trials: ReadonlyArray<SearchTrial>): TrialState => {
  const found = states.find((state) => trials.some((trial) => trial.state === state)) ?? "finished"
  // Some are done, and others wait for their turn.
  return found === "waiting" && trials.some(({ state }) => state === "finished") ? "running" : found
}

const valuesOf = (trials: ReadonlyArray<{ readonly metric: number | null }>) =>
  meanOf(trials) === null ? [] : trials.flatMap(({ metric }) => metric ?? [])

/** The settings of a search, in the order of their numbers. */
export const settingResults = ({ config, trials }: SearchResult): ReadonlyArray<SettingResult> =>
  [...Map.groupBy(trials, ({ id, repetition }) => repetition?.setting ?? id)].flatMap(([id, [first, ...others]]) => {
    if (first === undefined) return []
    const all = [first, ...others] as const
    return [
      {
        id,
        settings: first.settings,
        trials: all,
        state: stateOf(all),
        metric: meanOf(all),
        spread: repeatedMean(valuesOf(all), config.folds)
      }
    ]
  })

const epochsOf = ({ trials }: SettingResult) => Math.min(...trials.map(({ history }) => history.length))

/**
 * The settings that can be compared, the best objective first: finished ones before stopped ones, and those that were
 * stopped later before earlier ones. A setting of which a trial failed or diverged is not among them: the mean of its
 * others would be of other folds.
 */
export const rankedSettings = (search: SearchResult): ReadonlyArray<SettingResult> => {
  const ranked = (state: TrialState) =>
    rank(
      settingResults(search).filter((setting) => setting.state === state),
      search.config.objective.goal
    )
  return [
    ...ranked("finished"),
    ...ranked("stopped").toSorted((a, b) => epochsOf(b) - epochsOf(a) || b.trials[0].rung - a.trials[0].rung)
  ]
}

/** The trials of `rankedSettings`; repetitions in the order of their numbers. */
export const ranking = (search: SearchResult): ReadonlyArray<SearchTrial> =>
  rankedSettings(search).flatMap(({ trials }) => trials)

/** The finished setting with the best objective; undefined where none has one. */
export const bestSetting = (search: SearchResult): SettingResult | undefined => {
  const [first] = rankedSettings(search)
  return first?.state === "finished" && first.metric !== null ? first : undefined
}

/** The mean of a number of the chosen epochs over a setting's trials; null unless every one has it. */
export const meanRecord = (
  { trials }: SettingResult,
  key: "validationLoss" | "trainLoss" | "validationAccuracy" | "trainAccuracy"
): number | null => meanOf(trials.map((trial) => ({ metric: recordOf(trial)?.[key] ?? null })))

/**
 * A setting's objective less the best setting's, over their repetitions: each is compared with the one of the same seed and
 * fold, so that what makes a fold hard for both cancels. Null for the best itself, and where a value is missing.
 */
export const differenceToBest = (search: SearchResult, setting: SettingResult): RepeatedMean | null => {
  const best = bestSetting(search)
  if (best === undefined || best.id === setting.id || setting.state !== "finished") return null
  const pairs = setting.trials.map((trial) => {
    const same = best.trials.find(
      ({ repetition }) => repetition?.seed === trial.repetition?.seed && repetition?.fold === trial.repetition?.fold
    )
    const [own, its] = [trial.metric, same?.metric ?? null]
    return { metric: own === null || its === null ? null : own - its }
  })
  return repeatedMean(valuesOf(pairs), search.config.folds)
}

/** What every setting is repeated over: `5 folds`, `3 seeds`, `3 seeds of 5 folds`. */
export const repetitionText = ({ folds, seeds }: SearchResult["config"]): string => {
  const ofSeeds = seeds === undefined ? undefined : `${typeof seeds === "number" ? seeds : seeds.length} seeds`
  if (folds === undefined) return ofSeeds ?? "one training"
  return ofSeeds === undefined ? `${folds} folds` : `${ofSeeds} of ${folds} folds`
}
