import type { EpochNumber } from "../../metrics/Report.ts"
import { columnHead, isEpochMetric, metricOf, objectiveName } from "../search/objective.ts"
import type { SearchResult, SearchTrial } from "../search/SearchResult.ts"
import { ranking } from "../search/SearchResult.ts"
import { shortValue } from "../search/settings.ts"
import type { Axis, Chart } from "./Chart.ts"

/** The most curves: more cannot be distinguished. The best trials' are shown. */
export const mostCurves = 12
/** An axis with more values than this is drawn as a scale, if they are numbers. */
const mostRows = 12

/** Whether an objective is a share, which an axis shows in percent. */
const isShare = (path: string) => metricOf(path)?.unit === "%" || /(waiting|ece\w*)$/.test(path)

const axisOf = (path: string): Axis => ({ label: columnHead(path), percent: isShare(path) })

/** A trial's number and its settings, in short. */
export const nameOf = (trial: SearchTrial): string =>
  `${trial.id.split("-", 1)[0] ?? ""} ${Object.values(trial.settings).map(shortValue).join(" ")}`

const curves = (trials: ReadonlyArray<SearchTrial>, title: string, key: EpochNumber): Chart => ({
  kind: "lines",
  title,
  x: { label: "epoch", whole: true },
  y: axisOf(key),
  mark: "both",
  series: trials.slice(0, mostCurves).map((trial) => ({
    name: nameOf(trial),
    points: trial.history.map((record) => ({ x: record.epoch, y: record[key] ?? null }))
  }))
})

/** The objective over one axis: dots over a scale where its values are many numbers, else a strip for each value. */
const along = (trials: ReadonlyArray<SearchTrial>, path: string, metric: string): Chart => {
  const known = trials.flatMap((trial) =>
    trial.metric === null ? [] : [{ metric: trial.metric, value: trial.settings[path], name: nameOf(trial) }]
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
  const best = ranking(search)
  const compared = best.filter(({ history }) => history.length > 0)
  // Where epochs do not have the objective, the curves show the validation loss.
  const key = isEpochMetric(metric) ? (metric as EpochNumber) : "validationLoss" // a number of every epoch
  return new Map([
    ...(compared.length > 0 ? [["curves", curves(compared, "The best trials' curves", key)] as const] : []),
    ...(compared.length > 0 && key !== "trainLoss"
      ? [["train-loss", curves(compared, "Their training loss", "trainLoss")] as const]
      : []),
    ...search.config.axes.flatMap(({ path }, i) =>
      // Without trials that were stopped early: they trained for fewer epochs, and cannot be compared with finished
      // ones.
      best.some(({ state }) => state === "finished")
        ? [
            [
              `axis-${i + 1}`,
              along(
                best.filter(({ state }) => state === "finished"),
                path,
                metric
              )
            ] as const
          ]
        : []
    )
  ])
}
