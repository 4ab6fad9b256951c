import { Effect, Stream } from "effect"
import { Csv } from "effect/encoding"
import { duration, numberText, percent } from "../metrics/numberText.ts"
import type { RepeatedMean } from "../metrics/repeatedMean.ts"
import type { Interval } from "../metrics/wilson.ts"
import { columnHead, objectiveName } from "../run/search/objective.ts"
import type { SearchResult, SearchTrial } from "../run/search/SearchResult.ts"
import { countStates, recordOf, savedShare } from "../run/search/SearchResult.ts"
import {
  differenceToBest,
  bestSetting,
  isRepeated,
  meanRecord,
  rankedSettings,
  repetitionText,
  settingResults
} from "../run/search/SettingResult.ts"
import type { SettingResult } from "../run/search/SettingResult.ts"
import { settingHeads, settingsText, shortValue } from "../run/search/settings.ts"
import { section, table } from "./text.ts"
import { textCell } from "../run/textCell.ts"

/** How many of the best trials are listed. */
const most = 10

/** The metrics in the reference experiment's table, in its order. */
const columns = ["validationLoss", "trainLoss", "validationAccuracy", "trainAccuracy"] as const

const pathsOf = ({ config }: SearchResult) => config.axes.map(({ path }) => path)

const orDash = (value: number | null | undefined) => (value == null ? "-" : numberText(value))

const intervalText = (interval: Interval | undefined): string =>
  interval === undefined ? "-" : `${numberText(interval.low)} to ${numberText(interval.high)}`

const bestTable = (search: SearchResult, best: ReadonlyArray<SettingResult>) => {
  const paths = pathsOf(search)
  const metric = objectiveName(search.config.objective)
  const repeated = isRepeated(search)
  // The objective gets a column of its own where it is not one of the experiment's metrics, or has an interval.
  const own = repeated || !columns.some((name) => name === metric) ? [metric] : []
  const others = repeated ? columns.filter((name) => name !== metric) : columns
  const halved = search.rungs.length > 1
  return table([
    [
      repeated ? "setting" : "trial",
      ...settingHeads(paths),
      ...own.map((path) => (repeated ? columnHead(path) : path)),
      ...(repeated ? ["95 %", "deviation", "to the best, 95 %"] : []),
      ...others.map(columnHead),
      ...(halved ? ["epochs"] : [])
    ],
    ...best.map((setting) => [
      setting.id.split("-", 1)[0] ?? "",
      ...paths.map((path) => shortValue(setting.settings[path])),
      ...own.map(() => orDash(setting.metric)),
      ...(repeated
        ? [
            intervalText(setting.spread?.interval),
            orDash(setting.spread?.deviation),
            intervalText(differenceToBest(search, setting)?.interval)
          ]
        : []),
      ...others.map((name) => orDash(meanRecord(setting, name))),
      ...(halved ? [Math.max(...setting.trials.map(({ history }) => history.length))] : [])
    ])
  ])
}

/**
 * A finished search for people: the ten best trials by the objective, the failed ones, the passes saved. `folder` is
 * the search's.
 */
export const searchText = (search: SearchResult, folder: string): string => {
  const { duplicates, passes, seconds, trials } = search
  const { goal } = search.config.objective
  const metric = objectiveName(search.config.objective)
  const best = rankedSettings(search).slice(0, most)
  const first = bestSetting(search)
  const repeated = isRepeated(search)
  const settings = settingResults(search).length
  const saved = savedShare(search)
  const { finished, stopped } = countStates(search)
  const broken = trials.filter(({ detail }) => detail !== undefined)
  return [
    best.length === 0
      ? repeated
        ? "No setting was finished."
        : "No trial was finished."
      : section(
          `The best ${best.length} of ${repeated ? `${settings} settings` : `${trials.length} trials`} by ${repeated ? "mean " : ""}${metric}, the ${goal === "min" ? "least" : "greatest"} first` +
            (repeated ? `; means over ${repetitionText(search.config)}` : ""),
          bestTable(search, best)
        ),
    ...(broken.length === 0
      ? []
      : [section("Failed or diverged", broken.map(({ detail, id }) => `${id}: ${detail}`).join("\n"))]),
    ...(duplicates.length === 0
      ? []
      : [
          section(
            "Trained once, as the configuration is the same",
            duplicates.map(({ sameAs, settings }) => `${settingsText(settings)}: see ${sameAs}`).join("\n")
          )
        ]),
    `\n${finished} of ${trials.length} trials finished${stopped > 0 ? `, ${stopped} stopped early` : ""}, in ${duration(seconds)}` +
      (saved === null
        ? ""
        : `; ${passes.made} images decoded and passed on instead of ${passes.wanted}: ${percent(saved)} saved`),
    ...(first === undefined
      ? []
      : [
          `The best, ${first.id}, as a configuration: ${folder}/best.toml` +
            (repeated ? "" : `; its run: ${folder}/${first.trials[0].folder}`)
        ])
  ].join("\n")
}

/** A mean with its spread, as JSON has it. */
const spreadJson = (spread: RepeatedMean | null) =>
  spread && { mean: spread.mean, deviation: spread.deviation, low: spread.interval.low, high: spread.interval.high }

const settingJson = (search: SearchResult, setting: SettingResult) => ({
  id: setting.id,
  settings: setting.settings,
  state: setting.state,
  trials: setting.trials.map(({ id }) => id),
  objective: spreadJson(setting.spread),
  differenceToBest: spreadJson(differenceToBest(search, setting)),
  ...Object.fromEntries(columns.map((name) => [name, meanRecord(setting, name)]))
})

/**
 * A finished search as one JSON document: the best trials in order, and all trials by number. Where every setting is
 * trained several times, `winner` and `best` have the ids of settings, which are there too.
 */
export const searchJson = (search: SearchResult) => {
  const plain = (trial: SearchTrial) => {
    const record = recordOf(trial)
    return {
      id: trial.id,
      settings: trial.settings,
      ...(trial.repetition !== undefined && { repetition: trial.repetition }),
      state: trial.state,
      rung: trial.rung,
      folder: trial.folder,
      epochs: trial.history.length,
      chosenEpoch: trial.chosenEpoch,
      objective: trial.metric,
      ...Object.fromEntries(columns.map((name) => [name, record?.[name] ?? null])),
      seconds: trial.seconds,
      ...(trial.detail !== undefined && { detail: trial.detail })
    }
  }
  return {
    name: search.config.name,
    objective: search.config.objective,
    winner: bestSetting(search)?.id ?? null,
    best: rankedSettings(search)
      .slice(0, most)
      .map(({ id }) => id),
    ...(isRepeated(search) && { settings: settingResults(search).map((setting) => settingJson(search, setting)) }),
    trials: search.trials.map(plain),
    duplicates: search.duplicates,
    passes: { ...search.passes, savedShare: savedShare(search) },
    seconds: search.seconds
  }
}

const cell = (value: unknown) =>
  value == null
    ? ""
    : typeof value === "object"
      ? JSON.stringify(value)
      : typeof value === "string"
        ? textCell(value)
        : String(value)

const csvText = (rows: ReadonlyArray<ReadonlyArray<string>>): Effect.Effect<string> =>
  Stream.fromIterable(rows).pipe(Stream.pipeThroughChannel(Csv.encodeString()), Stream.mkString)

/** All trials as CSV (RFC 4180), one row each in the order of their numbers: each axis is a column, named by its path. */
export const trialsCsv = (search: SearchResult): Effect.Effect<string> => {
  const paths = pathsOf(search)
  const repeated = isRepeated(search)
  const head = ["trial", ...(repeated ? ["setting", "seed", "fold"] : []), "state", "rung", "epochs", "chosenEpoch"]
  const rows = search.trials.map((trial) =>
    [
      trial.id,
      ...(repeated ? [trial.repetition?.setting, trial.repetition?.seed, trial.repetition?.fold] : []),
      trial.state,
      trial.rung,
      trial.history.length,
      trial.chosenEpoch,
      ...paths.map((path) => trial.settings[path]),
      trial.metric,
      ...columns.map((name) => recordOf(trial)?.[name]),
      trial.seconds,
      trial.folder,
      trial.detail
    ].map(cell)
  )
  return csvText([[...head, ...paths, "objective", ...columns, "seconds", "folder", "detail"], ...rows])
}

/**
 * All settings as CSV, one row each in the order of their numbers: the mean of the objective, its standard deviation and
 * the 95 % interval of the mean; the same of its difference to the best setting; means of the other metrics.
 */
export const settingsCsv = (search: SearchResult): Effect.Effect<string> => {
  const paths = pathsOf(search)
  const spreadOf = (name: string) => [name, `${name}Deviation`, `${name}Low`, `${name}High`]
  const cells = (spread: RepeatedMean | null) => [
    spread?.mean,
    spread?.deviation,
    spread?.interval.low,
    spread?.interval.high
  ]
  const rows = settingResults(search).map((setting) =>
    [
      setting.id,
      setting.state,
      setting.trials.length,
      ...paths.map((path) => setting.settings[path]),
      ...cells(setting.spread),
      ...cells(differenceToBest(search, setting)),
      ...columns.map((name) => meanRecord(setting, name))
    ].map(cell)
  )
  return csvText([
    ["setting", "state", "trials", ...paths, ...spreadOf("objective"), ...spreadOf("differenceToBest"), ...columns],
    ...rows
  ])
}
