import type { RunConfig } from "../../config/RunConfig.ts"

/** A key of the configuration that is not the same in all runs, and its value in each; undefined where it is not set. */
export interface Difference {
  readonly key: string
  readonly values: ReadonlyArray<string | undefined>
}

const flatten = (value: unknown, path: string): ReadonlyArray<readonly [string, string]> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) => flatten(inner, path === "" ? key : `${path}.${key}`))
    : [[path, typeof value === "string" ? value : JSON.stringify(value)]]

/** The keys in which configurations differ, in the order in which they are met; but for the runs' names. */
export const differences = (configs: ReadonlyArray<RunConfig>): ReadonlyArray<Difference> => {
  const flat = configs.map((config) => new Map(flatten(config, "")))
  const keys = new Set(flat.flatMap((keys) => [...keys.keys()]))
  return [...keys]
    .filter((key) => key !== "name")
    .map((key) => ({ key, values: flat.map((keys) => keys.get(key)) }))
    .filter(({ values }) => values.some((value) => value !== values[0]))
}
