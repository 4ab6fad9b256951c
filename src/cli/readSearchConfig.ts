import { Effect } from "effect"
import { isTable, setKey } from "../config/configTable.ts"
import type { Table } from "../config/configTable.ts"
import { SearchConfig } from "../run/search/SearchConfig.ts"
import { decodeConfig } from "../config/RunConfig.ts"
import { readTable } from "./readConfig.ts"

/** Sets a key of a search; `base.KEY` as `--set KEY` would set it in a run. */
const setSearchKey = (table: Table, path: string, value: unknown): Table => {
  if (!path.startsWith("base.")) return setKey(table, path, value)
  const base = table["base"]
  return { ...table, base: setKey(isTable(base) ? base : {}, path.slice("base.".length), value) }
}

/** A search's configuration from a file, changed by `--set`, checked by its Schema; `where` names both in errors. */
export const readSearchConfig = Effect.fn("readSearchConfig")(function* (file: string, sets: ReadonlyArray<string>) {
  const { raw, where } = yield* readTable(file, sets, setSearchKey)
  return { search: yield* decodeConfig(SearchConfig, raw, where), where }
})
