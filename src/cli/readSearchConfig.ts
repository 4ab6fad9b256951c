import { Effect } from "effect"
import { isTable, setKey } from "../config/configTable.ts"
import type { Table } from "../config/configTable.ts"
import { SearchConfig } from "../run/search/SearchConfig.ts"
import { decodeConfig } from "../config/RunConfig.ts"
import type { Resolve } from "../config/pathKeys.ts"
import { withAbsolutePaths } from "../config/pathKeys.ts"
import { withImageSize } from "./imageSize.ts"
import type { ConfigKind } from "./readConfig.ts"
import { readTable } from "./readConfig.ts"

/** Sets a key of a search; `base.KEY` as `--set KEY` would set it in a run. */
const setSearchKey = (table: Table, path: string, value: unknown): Table => {
  if (!path.startsWith("base.")) return setKey(table, path, value)
  const base = table["base"]
  return { ...table, base: setKey(isTable(base) ? base : {}, path.slice("base.".length), value) }
}

/** A value of one key of a search, with its paths absolute; `key` as `--set` has it. */
const resolveValue: ConfigKind["resolveValue"] = (key, value, resolve) => {
  if (key === "base" || key.startsWith("base.")) return withAbsolutePaths(key.slice("base.".length), value, resolve)
  return key === "axes" && Array.isArray(value) ? value.map((axis: unknown) => resolveAxis(axis, resolve)) : value
}

/** An axis over a key with a path, or over a section with one, has paths among its values. */
const resolveAxis = (axis: unknown, resolve: Resolve): unknown => {
  if (!isTable(axis)) return axis
  const { path, values } = axis
  if (typeof path !== "string" || !Array.isArray(values)) return axis
  return { ...axis, values: values.map((value: unknown) => withAbsolutePaths(path, value, resolve)) }
}

const searchKind: ConfigKind = {
  set: setSearchKey,
  resolveTable: (table, resolve) =>
    Object.fromEntries(Object.entries(table).map(([key, value]) => [key, resolveValue(key, value, resolve)])),
  resolveValue
}

/** A search's configuration from a file, changed by `--set`, checked by its Schema; `where` names both in errors. */
export const readSearchConfig = Effect.fn("readSearchConfig")(function* (file: string, sets: ReadonlyArray<string>) {
  const { raw, where } = yield* readTable(file, sets, searchKind)
  const { base } = raw
  const sized = isTable(base) ? { ...raw, base: yield* withImageSize(base) } : raw
  return { search: yield* decodeConfig(SearchConfig, sized, where), where }
})
