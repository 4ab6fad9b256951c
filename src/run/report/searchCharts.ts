import type { EpochNumber } from "../../metrics/Report.ts"
import { columnHead, isEpochMetric, metricOf, objectiveName } from "../search/objective.ts"
import { meanOf } from "../search/objective.ts"
import type { SearchResult } from "../search/SearchResult.ts"
import type { SettingResult } from "../search/SettingResult.ts"
import { isRepeated, rankedSettings } from "../search/SettingResult.ts"
import { shortValue } from "../search/settings.ts"
import type { Axis, Chart, Series } from "./Chart.ts"

/** The most curves: more cannot be distinguished. The best trials' are shown. */
export const mostCurves = 12
/** The most settings whose spread is drawn; the best ones are. */
export const mostSpreads = 30
/** An axis with more values than this is drawn as a scale, if they are numbers. */
const mostRows = 12

/** Whether an objective is a share, which an axis shows in percent. */
const isShare = (path: string) => metricOf(path)?.unit === "%" || /(waiting|ece\w*)$/.test(path)

const axisOf = (path: string): Axis => ({ label: columnHead(path), percent: isShare(path) })

/** A trial's or a setting's number and its settings, in short. */
export const nameOf = ({ id, settings }: Pick<SettingResult, "id" | "settings">): string =>
  `${id.split("-", 1)[0] ?? ""} ${Object.values(settings).map(shortValue).join(" ")}`

/** The mean over a setting's trials in each epoch that all of them have. */
const points = ({ trials }: SettingResult, key: EpochNumber): Series["points"] => {
  const [first, ...others] = trials
  return first.history.flatMap((record, i) => {
    const records = [record, ...others.flatMap(({ history }) => history[i] ?? [])]
    return records.length < trials.length
      ? []
      : [{ x: record.epoch, y: meanOf(records.map((one) => ({ metric: one[key] ?? null }))) }]
  })
}

const curves = (settings: ReadonlyArray<SettingResult>, title: string, key: EpochNumber): Chart => ({
  kind: "lines",
  title,
  x: { label: "epoch", whole: true },
  y: axisOf(key),
  mark: "both",
  series: settings.slice(0, mostCurves).map((setting) => ({ name: nameOf(setting), points: points(setting, key) }))
})

/** The objective of each setting: a dot for each trial, the mean and its interval. */
const spreads = (settings: ReadonlyArray<SettingResult>, metric: string): Chart => ({
  kind: "strip",
  title: `${columnHead(metric)} of each setting`,
  x: axisOf(metric),
  y: { label: "setting" },
  rows: settings.slice(0, mostSpreads).map((setting) => ({
    label: nameOf(setting),
    dots: setting.trials.flatMap(({ id, metric }) =>
      metric === null ? [] : [{ value: metric, name: id.split("-", 1)[0] ?? "" }]
    ),
    ...(setting.spread !== null && { mean: { value: setting.spread.mean, ...setting.spread.interval } })
  }))
})

/** The objective over one axis: dots over a scale where its values are many numbers, else a strip for each value. */
const along = (settings: ReadonlyArray<SettingResult>, path: string, metric: string): Chart => {
  const known = settings.flatMap((setting) =>
    setting.metric === null ? [] : [{ metric: setting.metric, value: setting.settings[path], name: nameOf(setting) }]
  )
  const values = [...new Set(known.map(({ value }) => JSON.stringify(value)))]
  const numbers = known.flatMap(({ metric, value }) => (typeof value === "number" ? [{ x: value, y: metric }] : []))
  const title = `${columnHead(metric)} over ${path}`
  if (values.length > mostRows && numbers.length === known.length) {
    const xs = numbers.map(({ x }) => x)
    const [least, greatest] = [Math.min(...xs), Math.max(...xs)]
    return {
      kind: "lines",
      title,
      x: { label: path, log: least > 0 && greatest / least >= 20 },
      y: axisOf(metric),
      mark: "dots",
      series: [{ name: "trials", points: numbers }]
    }
  }
  const isNumeric = numbers.length === known.length
  return {
    kind: "strip",
    title,
    x: axisOf(metric),
    y: { label: path },
    rows: values
      .map((json) => ({ json, those: known.filter(({ value }) => JSON.stringify(value) === json) }))
      .sort((a, b) => (isNumeric ? Number(a.json) - Number(b.json) : 0))
      .map(({ those }) => ({
        label: shortValue(those[0]?.value),
        dots: those.map(({ metric, name }) => ({ value: metric, name }))
      }))
  }
}

/** The charts of a search by the names of their files: the best trials' curves, and the objective along each axis. */
export const searchCharts = (search: SearchResult): ReadonlyMap<string, Chart> => {
  const metric = objectiveName(search.config.objective)
  const best = rankedSettings(search)
  const finished = best.filter(({ state }) => state === "finished")
  const compared = best.filter(({ trials }) => trials.every(({ history }) => history.length > 0))
  const repeated = isRepeated(search)
  const whose = repeated ? "settings" : "trials"
  // Where epochs do not have the objective, the curves show the validation loss.
  const key = isEpochMetric(metric) ? (metric as EpochNumber) : "validationLoss" // a number of every epoch
  return new Map([
    ...(repeated && finished.length > 0 ? [["settings", spreads(finished, metric)] as const] : []),
    ...(compared.length > 0 ? [["curves", curves(compared, `The best ${whose}' curves`, key)] as const] : []),
    ...(compared.length > 0 && key !== "trainLoss"
      ? [["train-loss", curves(compared, "Their training loss", "trainLoss")] as const]
      : []),
    ...search.config.axes.flatMap(({ path }, i) =>
      // Without trials that were stopped early: they trained for fewer epochs, and cannot be compared with finished
      // ones.
      finished.length > 0 ? [[`axis-${i + 1}`, along(finished, path, metric)] as const] : []
    )
  ])
}
