import type { BarChart, Chart, LineChart, MatrixChart, StripChart } from "./Chart.ts"
import { formatOf } from "./Chart.ts"
import { count, dash, share } from "./format.ts"
import type { Html } from "./html.ts"
import { html } from "./html.ts"

type Cell = string | number

/** The first column and the columns in `text` are text. */
const table = (
  title: string,
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<Cell>>,
  text: ReadonlyArray<number> = []
): Html => {
  return html`<div class="scroll tall" role="region" aria-label="${title}" tabindex="0">
    <table>
      <thead>
        <tr>
          ${head.map((name, column) => html`<th scope="col" class="${text.includes(column) ? "text" : "name"}">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell, column) => html`<td${text.includes(column) && html` class="text"`}>${cell}</td>`)}
            </tr> `
        )}
      </tbody>
    </table>
  </div>`
}

/** More series do not fit side by side where a page has two charts in a row. */
const mostColumns = 4

/** A few series are columns; more, or dots (several may have the same x), are listed one below the other. */
const lines = ({ mark, series, title, x, y }: LineChart) => {
  const show = { x: formatOf(x), y: formatOf(y) }
  const value = (y: number | null | undefined) => (y === null || y === undefined ? dash : show.y(y))
  if (mark === "dots" || series.length > mostColumns) {
    const hasSamples = series.some(({ points }) => points.some(({ samples }) => samples !== undefined))
    return table(
      title,
      ["series", x.label, y.label, ...(hasSamples ? ["samples"] : [])],
      series.flatMap(({ name, points }) =>
        points.map((point) => [
          name,
          show.x(point.x),
          value(point.y),
          ...(hasSamples ? [point.samples === undefined ? dash : count(point.samples)] : [])
        ])
      )
    )
  }
  const known = series.map(({ points }) => new Map(points.map((point) => [point.x, point.y])))
  const xs = [...new Set(known.flatMap((points) => [...points.keys()]))].sort((a, b) => a - b)
  return table(
    title,
    [x.label, ...series.map(({ name }) => (series.length === 1 ? y.label : name))],
    xs.map((at) => [show.x(at), ...known.map((points) => value(points.get(at)))])
  )
}

const bars = ({ parts, rows, title, x, y }: BarChart) => {
  const show = formatOf(x)
  return table(
    title,
    [y.label, ...parts],
    rows.map(({ label, values }) => [label, ...values.map(show)])
  )
}

const matrix = ({ counts, labels, title }: MatrixChart) =>
  table(
    title,
    ["true class", "samples", "right", "of the class", "taken for"],
    counts.map((row, i) => {
      const support = row.reduce((sum, n) => sum + n, 0)
      const right = row[i] ?? 0
      const others = row
        .flatMap((n, j) => (n === 0 || j === i ? [] : [{ n, label: labels[j] ?? "" }]))
        .sort((a, b) => b.n - a.n)
        .map(({ label, n }) => `${label} ${count(n)}`)
      return [
        labels[i] ?? "",
        count(support),
        count(right),
        share(support === 0 ? null : right / support),
        others.length === 0 ? dash : others.join(", ")
      ]
    }),
    [4]
  )

const strips = ({ rows, title, x, y }: StripChart) => {
  const show = formatOf(x)
  return table(
    title,
    [y.label, x.label, "trial"],
    rows.flatMap(({ dots, label, mean }) => [
      ...dots.map(({ name, value }) => [label, show(value), name]),
      ...(mean === undefined
        ? []
        : [[label, show(mean.value), `mean; 95 % interval ${show(mean.low)} to ${show(mean.high)}`]])
    ]),
    [2]
  )
}

/** A chart's values as a table, for those who cannot point at its marks. */
export const chartTable = (chart: Chart): Html => {
  switch (chart.kind) {
    case "lines":
      return lines(chart)
    case "bars":
      return bars(chart)
    case "matrix":
      return matrix(chart)
    case "strip":
      return strips(chart)
  }
}
