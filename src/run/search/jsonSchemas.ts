import type { Table } from "../../config/configTable.ts"
import { isTable } from "../../config/configTable.ts"
import { jsonSchemaOf } from "../../config/jsonSchema.ts"
import { RunConfig } from "../../config/RunConfig.ts"
import { SearchConfig } from "./SearchConfig.ts"

/** The JSON Schema of a run's configuration. */
export const runJsonSchema = (): Table => jsonSchemaOf(RunConfig, "A run of Weft")

/** The JSON Schema of a search's configuration; what its axes set, its `base` may leave out. */
export const searchJsonSchema = (): Table => {
  const search = jsonSchemaOf(SearchConfig, "A search of Weft")
  const { $schema: _, required: _needed, title: _title, ...run } = runJsonSchema()
  const properties = isTable(search["properties"]) ? search["properties"] : {}
  const base = isTable(properties["base"]) ? properties["base"] : {}
  const keys = isTable(run["properties"]) ? run["properties"] : {}
  const { $schema: _line, ...runKeys } = keys
  return {
    ...search,
    properties: { ...properties, base: { description: base["description"], $ref: "#/$defs/run" } },
    $defs: { run: { ...run, properties: runKeys } }
  }
}
