import { Effect, Stream } from "effect"
import { Csv } from "effect/encoding"
import { duration, numberText, percent } from "../metrics/numberText.ts"
import { columnHead, objectiveName } from "../run/search/objective.ts"
import type { SearchResult, SearchTrial } from "../run/search/SearchResult.ts"
import { countStates, ranking, recordOf, savedShare, winner } from "../run/search/SearchResult.ts"
import { settingHeads, settingsText, shortValue } from "../run/search/settings.ts"
import { section, table } from "./text.ts"
import { textCell } from "../run/textCell.ts"

/** How many of the best trials are listed. */
const most = 10

/** The metrics in the reference experiment's table, in its order. */
const columns = ["validationLoss", "trainLoss", "validationAccuracy", "trainAccuracy"] as const

const pathsOf = ({ config }: SearchResult) => config.axes.map(({ path }) => path)

const orDash = (value: number | null | undefined) => (value == null ? "-" : numberText(value))

const bestTable = (search: SearchResult, best: ReadonlyArray<SearchTrial>) => {
  const paths = pathsOf(search)
  const metric = objectiveName(search.config.objective)
  // The objective gets a column of its own where it is not one of the experiment's metrics.
  const own = columns.some((name) => name === metric) ? [] : [metric]
  const halved = search.rungs.length > 1
  return table([
    ["trial", ...settingHeads(paths), ...own, ...columns.map(columnHead), ...(halved ? ["epochs"] : [])],
    ...best.map((trial) => [
      trial.id.split("-", 1)[0] ?? "",
      ...paths.map((path) => shortValue(trial.settings[path])),
      ...own.map(() => orDash(trial.metric)),
      ...columns.map((name) => orDash(recordOf(trial)?.[name])),
      ...(halved ? [trial.history.length] : [])
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
  const best = ranking(search).slice(0, most)
  const first = winner(search)
  const saved = savedShare(search)
  const { finished, stopped } = countStates(search)
  const broken = trials.filter(({ detail }) => detail !== undefined)
  return [
    best.length === 0
      ? "No trial was finished."
      : section(
          `The best ${best.length} of ${trials.length} trials by ${metric}, the ${goal === "min" ? "least" : "greatest"} first`,
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
      : [`The best, ${first.id}, as a configuration: ${folder}/best.toml; its run: ${folder}/${first.folder}`])
  ].join("\n")
}

/** A finished search as one JSON document: the best trials in order, and all trials by number. */
export const searchJson = (search: SearchResult) => {
  const plain = (trial: SearchTrial) => {
    const record = recordOf(trial)
    return {
      id: trial.id,
      settings: trial.settings,
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
    winner: winner(search)?.id ?? null,
    best: ranking(search)
      .slice(0, most)
      .map(({ id }) => id),
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

/** All trials as CSV (RFC 4180), one row each in the order of their numbers: each axis is a column, named by its path. */
export const trialsCsv = (search: SearchResult): Effect.Effect<string> => {
  const paths = pathsOf(search)
  const head = ["trial", "state", "rung", "epochs", "chosenEpoch", ...paths, "objective", ...columns]
  const rows = search.trials.map((trial) =>
    [
      trial.id,
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
  return Stream.make([...head, "seconds", "folder", "detail"], ...rows).pipe(
    Stream.pipeThroughChannel(Csv.encodeString()),
    Stream.mkString
  )
}
