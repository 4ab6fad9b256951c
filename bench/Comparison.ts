/** A process that is measured: it prints one JSON line, the last of its standard output, with figures in it. */
export interface Side {
  /** What it is, for the table. */
  readonly label: string
  /** What runs it: Node, a Python with PyTorch, or one with Keras. */
  readonly program: "node" | "torch" | "keras"
  /** What it is given; `{data}` stands for the catalogue's folder, `{large}` for that of the large photos, `{peers}` for that of the peers' scripts. */
  readonly args: ReadonlyArray<string>
}

/** What must hold: at least so many times the peer's figure, or a bound of our own. */
export type Target = { readonly ratio: number } | { readonly atLeast: number } | { readonly atMost: number }

/** A figure that is compared: one row of the table. */
export interface Figure {
  readonly name: string
  /** The field of our JSON line; of the peer's as well, unless `peerField` says otherwise. */
  readonly field: string
  readonly peerField?: string
  readonly unit: string
  readonly target?: Target
}

/** Ours against a peer's, or alone; `figures` are read from one run of each. */
export interface Comparison {
  readonly suite: string
  readonly ours: Side
  readonly peer?: Side
  readonly figures: ReadonlyArray<Figure>
}

/** What a side gave in a round: its JSON line, or why there is none. */
export type Given = { readonly line: Readonly<Record<string, unknown>> } | { readonly missing: string }

/** A comparison's rounds, ours and the peer's side by side. */
export interface Measured {
  readonly comparison: Comparison
  /** As they can be typed. */
  readonly commands: { readonly ours: string; readonly peer: string | undefined }
  readonly rounds: ReadonlyArray<{ readonly ours: Given; readonly peer: Given | undefined }>
}

/** The middle one, or the mean of the two in the middle; NaN of none. */
export const median = (numbers: ReadonlyArray<number>): number => {
  const sorted = numbers.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  const upper = sorted[half] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2
}

/** A figure of what a side gave, of a list the median; undefined where it is not there. */
export const figureOf = (given: Given | undefined, field: string): number | undefined => {
  const value = given !== undefined && "line" in given ? given.line[field] : undefined
  const numbers = (Array.isArray(value) ? value : [value]).filter((one) => typeof one === "number")
  const middle = median(numbers)
  return Number.isFinite(middle) ? middle : undefined
}
