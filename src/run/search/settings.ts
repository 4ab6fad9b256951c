import { isTable } from "../../config/configTable.ts"
import { draw } from "../../pipeline/draw.ts"
import type { Axis, Range, SearchConfig } from "./SearchConfig.ts"

/** A trial's own settings: a value for the path of each axis, in the axes' order. */
export type Settings = Readonly<Record<string, unknown>>

/**
 * A value within the bounds, whole where the key is, and rounded to six digits, which is precise enough and readable in
 * tables and files.
 */
const tidy = (value: number, { from, to }: Range, isWhole: boolean) =>
  Math.min(to, Math.max(from, isWhole ? Math.round(value) : Number(value.toPrecision(6))))

/** The value at a share of the way through a range; whole numbers at the ends get as much room as the others. */
const valueAt = (range: Range, share: number, isWhole: boolean, room: number): number => {
  const [low, high] = isWhole ? [range.from - room, range.to + room] : [range.from, range.to]
  const value = range.scale === "log" ? low * (high / low) ** share : low + (high - low) * share
  return tidy(value, range, isWhole)
}

/** The values of an axis in a grid. Equal whole numbers count once. */
const valuesOf = ({ range, values }: Axis, isWhole: boolean): ReadonlyArray<unknown> => {
  if (range === undefined) return values ?? []
  const steps = range.steps ?? 2
  return [...new Set(Array.from({ length: steps }, (_, i) => valueAt(range, i / (steps - 1), isWhole, 0)))]
}

/** All combinations, the last axis fastest; `wholeKeys` are the paths that take whole numbers only. */
export const grid = ({ axes }: SearchConfig, wholeKeys: ReadonlySet<string>): ReadonlyArray<Settings> => {
  let points: ReadonlyArray<Settings> = [{}]
  for (const axis of axes) {
    const values = valuesOf(axis, wholeKeys.has(axis.path))
    points = points.flatMap((point) => values.map((value) => ({ ...point, [axis.path]: value })))
  }
  return points
}

/**
 * Drawn points, each axis by itself: evenly from a list, evenly over a range (with `scale = "log"`, over its logarithm).
 *
 * A draw depends on (seed, trial, path) alone: trial k is the same whatever the number of trials and the order of axes.
 * Whole numbers: as Optuna draws them (Akiba et al., 2019), from half below the range to half above it, then rounded.
 */
export const drawn = (search: SearchConfig, wholeKeys: ReadonlySet<string>): ReadonlyArray<Settings> => {
  const { axes, seed, strategy } = search
  const trials = strategy.kind === "grid" ? 0 : (strategy.trials ?? 0)
  return Array.from({ length: trials }, (_, trial) =>
    Object.fromEntries(
      axes.map(({ path, range, values }) => {
        const random = draw(seed, "search", trial, path)
        const value =
          range === undefined
            ? values?.[random.below(values.length)]
            : valueAt(range, random.next(), wholeKeys.has(path), 0.5)
        return [path, value]
      })
    )
  )
}

/** A value as a short text: a table's `name`. */
export const shortValue = (value: unknown): string => {
  if (typeof value === "number") return String(Number(value.toPrecision(4)))
  if (isTable(value)) {
    const name = value["name"] ?? value["kind"] ?? Object.values(value)[0]
    return name === undefined ? "" : shortValue(name)
  }
  return Array.isArray(value) ? value.map(shortValue).join(",") : String(value)
}

/** `train.learningRate = 0.01, network.head = "fc"`. */
export const settingsText = (settings: Settings): string =>
  Object.entries(settings)
    .map(([path, value]) => `${path} = ${JSON.stringify(value)}`)
    .join(", ")

/** A value as a short plain text, for names and narrow columns: letters, digits, `.` and `-`. */
export const plainValue = (value: unknown): string =>
  shortValue(value)
    .replace(/[^A-Za-z0-9.]+/g, "-")
    .slice(0, 24)

/**
 * The head of an axis' column: the key's own name, with the section's where the name alone is too short or not unique.
 */
export const settingHeads = (paths: ReadonlyArray<string>): ReadonlyArray<string> => {
  const last = (path: string, parts: number) => path.split(".").slice(-parts).join(".")
  return paths.map((path) =>
    /^(kind|name|from)$/.test(last(path, 1)) || paths.filter((other) => last(other, 1) === last(path, 1)).length > 1
      ? last(path, 2)
      : last(path, 1)
  )
}

/**
 * A trial's name, which any system takes as a folder's name: its number (from 1) and its values, `007-vgg16-fc-0.01`; of a
 * repetition, with its seed and its fold, `007s2f1-vgg16-fc-0.01`.
 */
export const trialId = (
  index: number,
  settings: Settings,
  { fold, seed }: { readonly seed?: number; readonly fold?: number } = {}
): string =>
  [
    String(index + 1).padStart(3, "0") +
      (seed === undefined ? "" : `s${seed}`) +
      (fold === undefined ? "" : `f${fold}`),
    ...Object.values(settings).map(plainValue)
  ]
    .join("-")
    .replace(/-{2,}/g, "-")
    .slice(0, 80)
    .replace(/[-.]+$/, "")
