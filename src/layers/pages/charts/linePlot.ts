import type { LineChart } from "../../../run/report/Chart.ts"
import { formatOf } from "../../../run/report/Chart.ts"
import type { Drawing, Plot } from "./Drawing.ts"
import { chartWidth, colourOf, dashOf } from "./series.ts"

const height = 272

/** About six whole numbers from the least value to the greatest. */
const wholeTicks = (values: ReadonlyArray<number>): Array<number> => {
  const least = Math.min(...values)
  const greatest = Math.max(...values)
  if (!(greatest >= least)) return []
  const step = Math.max(1, Math.ceil((greatest - least) / 7))
  return Array.from({ length: Math.floor((greatest - least) / step) + 1 }, (_, i) => least + i * step)
}

/**
 * A dot's radius in pixels: its area grows with the number of samples that it stands for, but few samples still give a
 * visible dot.
 */
const radiusOf = (samples: number | undefined, most: number) =>
  samples === undefined ? 2.6 : 2 + 7 * Math.sqrt(samples / most)

/** Values at so many places of an axis can be pointed at. */
const mostPlaces = 60

/** Evenly chosen ones, the first and the last among them. */
const chosenOf = <A>(all: ReadonlyArray<A>): ReadonlyArray<A> =>
  all.length <= mostPlaces
    ? all
    : Array.from({ length: mostPlaces }, (_, i) => all[Math.round((i * (all.length - 1)) / (mostPlaces - 1))]!) // inside

/** Bands from top to bottom that say the values of all curves at their place; undefined where curves share no places. */
const bandsOf = ({ series, x, y }: LineChart) => {
  const known = series.map(({ name, points }) => ({ name, at: new Map(points.map((point) => [point.x, point.y])) }))
  const xs = [...new Set(series.flatMap(({ points }) => points.map((point) => point.x)))].sort((a, b) => a - b)
  if (!known.every(({ at }) => at.size === xs.length)) return undefined
  const valued = xs.filter((at) => known.some(({ at: values }) => typeof values.get(at) === "number"))
  if (valued.length < 2) return []
  const places = chosenOf(valued)
  const show = { x: formatOf(x), y: formatOf(y) }
  return places.map((at, i) => ({
    x1: i === 0 ? at : (at + places[i - 1]!) / 2,
    x2: i === places.length - 1 ? at : (at + places[i + 1]!) / 2,
    title: `${x.label} ${show.x(at)}: ${known
      .map(({ at: values, name }) => {
        const value = values.get(at)
        return `${series.length > 1 ? `${name} ` : ""}${value === null || value === undefined ? "none" : show.y(value)}`
      })
      .join(", ")}`
  }))
}

/** Curves, or dots, over a common axis; a curve of one point is a dot. */
export const linePlot = (chart: LineChart, Plot: Plot): Drawing => {
  const { diagonal, mark = "line", rule, series, x, y } = chart
  const show = { x: formatOf(x), y: formatOf(y) }
  const points = series.flatMap(({ name, points }, index) =>
    points.flatMap((point) => (point.y === null ? [] : [{ ...point, y: point.y, name, colour: colourOf(index) }]))
  )
  const most = Math.max(0, ...points.map(({ samples = 0 }) => samples))
  const bands = mark === "dots" ? [] : bandsOf(chart)
  // Where curves share no places, some of their points can be pointed at instead.
  const hidden =
    mark === "line" && bands === undefined
      ? series.flatMap(({ name, points }) =>
          chosenOf(points).flatMap((point) => (point.y === null ? [] : [{ ...point, y: point.y, name }]))
        )
      : []
  const drawsAlone = ({ points }: LineChart["series"][number]) => points.filter(({ y }) => y !== null).length === 1
  return {
    legend: series.length > 1 ? series.map(({ name }, i) => ({ name, colour: colourOf(i), dash: dashOf(i) })) : [],
    options: {
      width: chartWidth,
      height,
      marginLeft: 62,
      marginRight: 30,
      marginTop: 32,
      marginBottom: 38,
      r: { type: "identity" },
      x: {
        label: x.label,
        labelAnchor: "center",
        labelArrow: "none",
        nice: x.log !== true && x.whole !== true && x.domain === undefined,
        ...(x.log && { type: "log" }),
        ...(x.domain && { domain: x.domain }),
        ticks: x.whole ? wholeTicks(points.map(({ x }) => x)) : 6,
        tickFormat: show.x
      },
      y: {
        label: y.label,
        labelArrow: "none",
        grid: true,
        nice: y.domain === undefined && y.log !== true,
        ...(y.log && { type: "log" }),
        ...(y.domain && { domain: y.domain }),
        ticks: 6,
        tickFormat: show.y
      },
      marks: [
        ...(diagonal
          ? [
              Plot.line(
                [
                  { x: 0, y: 0 },
                  { x: 1, y: 1 }
                ],
                { x: "x", y: "y", stroke: "var(--quiet)", strokeDasharray: "3 3" }
              )
            ]
          : []),
        ...(rule
          ? [Plot.ruleX([rule.x], { stroke: "var(--quiet)", strokeDasharray: "2 3", title: () => rule.label })]
          : []),
        ...(mark === "dots"
          ? []
          : series.map(({ name, points }, i) =>
              Plot.line(points, {
                x: "x",
                y: "y",
                stroke: colourOf(i),
                strokeWidth: 1.75,
                strokeDasharray: dashOf(i) ?? "none",
                title: () => name
              })
            )),
        ...(bands !== undefined && bands.length > 0
          ? [Plot.rectX(bands, { x1: "x1", x2: "x2", fill: "transparent", title: "title" })]
          : []),
        ...(hidden.length > 0
          ? [
              Plot.dot(hidden, {
                x: "x",
                y: "y",
                r: 6,
                fill: "transparent",
                title: (point: (typeof hidden)[number]) =>
                  `${series.length > 1 ? `${point.name}, ` : ""}${x.label} ${show.x(point.x)}: ${show.y(point.y)}`
              })
            ]
          : []),
        Plot.dot(
          mark === "line" ? points.filter(({ name }) => series.some((s) => s.name === name && drawsAlone(s))) : points,
          {
            x: "x",
            y: "y",
            fill: "colour",
            fillOpacity: most > 0 ? 0.75 : 1,
            r: ({ samples }: (typeof points)[number]) => radiusOf(samples, most),
            title: (point: (typeof points)[number]) =>
              `${series.length > 1 ? `${point.name}, ` : ""}${x.label} ${show.x(point.x)}: ${show.y(point.y)}${point.samples === undefined ? "" : ` (${point.samples} samples)`}`
          }
        )
      ]
    }
  }
}
