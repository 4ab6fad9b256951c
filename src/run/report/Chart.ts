/** How an axis is read. */
export interface Axis {
  readonly label: string
  /** Figures from 0 to 1 are shown in percent. */
  readonly percent?: boolean
  readonly log?: boolean
  /** Ticks at whole numbers only. */
  readonly whole?: boolean
  /** Where the data themselves do not say. */
  readonly domain?: readonly [number, number]
}

/** A number as an axis shows it: at most four digits that say something. */
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
  /** How many samples it is of, where that differs: a dot's area. */
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
  /** What it shows, for those who cannot see it. */
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: ReadonlyArray<Series>
  /** `dots` joins nothing; `both` marks the points of a line, where they are few. */
  readonly mark?: "line" | "dots" | "both"
  /** The diagonal y = x, on which confidence is accuracy. */
  readonly diagonal?: boolean
  /** A vertical line, with what it says. */
  readonly rule?: { readonly x: number; readonly label: string }
}

/** So many bars are drawn; a table has the others too. */
export const mostBars = 90

/** Bars from the left, one a row, each of several parts. */
export interface BarChart {
  readonly kind: "bars"
  readonly title: string
  readonly x: Axis
  /** What a row is of. */
  readonly y: { readonly label: string }
  /** What the parts of a bar are. */
  readonly parts: ReadonlyArray<string>
  readonly rows: ReadonlyArray<{ readonly label: string; readonly values: ReadonlyArray<number> }>
}

/** Who was taken for whom, in an order in which that can be read. */
export interface MatrixChart {
  readonly kind: "matrix"
  readonly title: string
  /** In the order of the rows and columns. */
  readonly labels: ReadonlyArray<string>
  /** (classes, classes): rows are the true classes. */
  readonly counts: ReadonlyArray<ReadonlyArray<number>>
}

/** Values of each row as dots: what a choice brings, whatever else was chosen. */
export interface StripChart {
  readonly kind: "strip"
  readonly title: string
  readonly x: Axis
  /** What a row is of. */
  readonly y: { readonly label: string }
  readonly rows: ReadonlyArray<{
    readonly label: string
    /** `name` says what a dot is of. */
    readonly dots: ReadonlyArray<{ readonly value: number; readonly name: string }>
  }>
}

/** A chart as data: what it says, not how it is drawn. */
export type Chart = LineChart | BarChart | MatrixChart | StripChart
