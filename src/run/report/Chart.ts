/** An axis. */
export interface Axis {
  readonly label: string
  /** Whether values from 0 to 1 are shown in percent. */
  readonly percent?: boolean
  readonly log?: boolean
  /** Whether ticks are at whole numbers only. */
  readonly whole?: boolean
  /** Instead of the range of the data. */
  readonly domain?: readonly [number, number]
}

/** A number as an axis shows it: at most four significant digits. */
const plain = (value: number): string => {
  if (value === 0) return "0"
  const size = Math.abs(value)
  if (size >= 10_000) return value.toLocaleString("en", { maximumFractionDigits: 0 })
  return size < 1e-3 ? value.toExponential(1).replace(".0e", "e") : String(Number(value.toPrecision(4)))
}

/** How an axis shows its values. */
export const formatOf = ({ percent }: Axis): ((value: number) => string) =>
  percent ? (value) => `${Number((100 * value).toFixed(1))} %` : plain

/** One value; `y` is null where there is nothing to show. */
export interface Point {
  readonly x: number
  readonly y: number | null
  /** Number of samples, where points differ in it: it sets a dot's area. */
  readonly samples?: number
}

/** Points in the order of x. */
export interface Series {
  readonly name: string
  readonly points: ReadonlyArray<Point>
}

/** Curves over a common axis. */
export interface LineChart {
  readonly kind: "lines"
  /** Title; screen readers read it. */
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: ReadonlyArray<Series>
  /** `dots` draws points without a line; `both` marks the points of a line. */
  readonly mark?: "line" | "dots" | "both"
  /** Whether the diagonal y = x is drawn, on which confidence equals accuracy. */
  readonly diagonal?: boolean
  /** A vertical line with its label. */
  readonly rule?: { readonly x: number; readonly label: string }
}

/** The most bars that are drawn; the table has all. */
export const mostBars = 90

/** Bars from the left, one a row, each of several parts. */
export interface BarChart {
  readonly kind: "bars"
  readonly title: string
  readonly x: Axis
  /** What a row is of. */
  readonly y: { readonly label: string }
  /** Names of a bar's parts. */
  readonly parts: ReadonlyArray<string>
  readonly rows: ReadonlyArray<{ readonly label: string; readonly values: ReadonlyArray<number> }>
}

/** A confusion matrix, in an order that puts confused classes side by side. */
export interface MatrixChart {
  readonly kind: "matrix"
  readonly title: string
  /** In the order of the rows and columns. */
  readonly labels: ReadonlyArray<string>
  /** (classes, classes): rows are the true classes. */
  readonly counts: ReadonlyArray<ReadonlyArray<number>>
}

/** The values of each row as dots: the objective at a setting's values, over all other settings. */
export interface StripChart {
  readonly kind: "strip"
  readonly title: string
  readonly x: Axis
  /** What a row is of. */
  readonly y: { readonly label: string }
  readonly rows: ReadonlyArray<{
    readonly label: string
    /** `name` names the trial of a dot. */
    readonly dots: ReadonlyArray<{ readonly value: number; readonly name: string }>
    /** The mean of the dots and its confidence interval, which are drawn instead of the median. */
    readonly mean?: { readonly value: number; readonly low: number; readonly high: number }
  }>
}

/** A chart as data, without how it is drawn. */
export type Chart = LineChart | BarChart | MatrixChart | StripChart
