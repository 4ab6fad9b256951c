/** Where two values differ; the texts are JSON. */
export interface Difference {
  /** Keys and indices from the outside in, with dots; empty where the whole values differ. */
  readonly at: string
  readonly expected: string
  readonly found: string
}

/** A check: a recorded value of a run against the value that is computed again. */
export interface Check {
  readonly what: string
  readonly status: "agrees" | "differs" | "cannotBeChecked"
  /** What was compared, or why it could not be. */
  readonly detail: string
  /** The first few differences. */
  readonly differences: ReadonlyArray<Difference>
}

const shown = 5

const textOf = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value))

const isList = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const isNear = (a: number, b: number, tolerance: number) => Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a))

/** Where two values of JSON differ; numbers may be apart by `tolerance`, of 1 or of themselves where they are larger. */
export const differences = (expected: unknown, found: unknown, tolerance = 0, at = ""): ReadonlyArray<Difference> => {
  if (Object.is(expected, found)) return []
  if (typeof expected === "number" && typeof found === "number" && isNear(expected, found, tolerance)) return []
  if (isList(expected) && isList(found) && Array.isArray(expected) === Array.isArray(found)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(found)])]
    return keys.flatMap((key) => differences(expected[key], found[key], tolerance, at === "" ? key : `${at}.${key}`))
  }
  return [{ at, expected: textOf(expected), found: textOf(found) }]
}

/** A check from the differences that were found. */
export const checkOf = (what: string, detail: string, apart: ReadonlyArray<Difference>): Check => ({
  what,
  status: apart.length === 0 ? "agrees" : "differs",
  detail: apart.length > shown ? `${detail}; ${apart.length} differences, of which the first ${shown}` : detail,
  differences: apart.slice(0, shown)
})

/** Compares a recorded value with the one that was computed again. */
export const compare = (what: string, detail: string, expected: unknown, found: unknown, tolerance = 0): Check =>
  checkOf(what, detail, differences(expected, found, tolerance))

/** A check of something that is missing, or has changed. */
export const differs = (what: string, detail: string): Check => ({ what, status: "differs", detail, differences: [] })

/** A check that is not possible, and why. */
export const cannot = (what: string, detail: string): Check => ({
  what,
  status: "cannotBeChecked",
  detail,
  differences: []
})
