import { Schema } from "effect"
import type { Table } from "./configTable.ts"
import { isTable } from "./configTable.ts"

/** The keywords that say something of a value, and ask nothing of it. */
const notes = ["title", "description", "default", "examples"]

/** Whether `other` adds nothing to `table` but notes. */
const isNote = (other: unknown): other is Table =>
  isTable(other) && Object.keys(other).every((keyword) => notes.includes(keyword))

/**
 * A part of a JSON Schema in its shortest form: a key's notes stand at its schema, which a list of alternatives or of
 * conditions beside it would say again.
 */
const simplified = (part: unknown): unknown => {
  if (Array.isArray(part)) return part.map(simplified)
  if (!isTable(part)) return part
  const { allOf, ...own } = part
  const all: ReadonlyArray<unknown> = Array.isArray(allOf) ? allOf : []
  const conditions = all.filter((one) => !isNote(one))
  const merged: Table = Object.assign({}, ...all.filter(isNote), own)
  const inner = Object.fromEntries(
    Object.entries(merged).map(([keyword, value]) => [
      keyword,
      // What the user writes there is data, not a schema.
      keyword === "default" || keyword === "enum" || keyword === "examples" ? value : simplified(value)
    ])
  )
  return conditions.length === 0 ? inner : { ...inner, allOf: conditions.map(simplified) }
}

/** A configuration's JSON Schema (draft 2020-12): its keys with their descriptions, defaults and bounds, and no others. */
export const jsonSchemaOf = (schema: Schema.Top, title: string): Table => {
  // Configurations refuse keys that there are not.
  const { schema: found } = Schema.toJsonSchemaDocument(schema, { onExcessProperty: "error" })
  const root = simplified(found)
  const { properties, ...rest } = isTable(root) ? root : {}
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title,
    ...rest,
    properties: {
      // As editors have it in a JSON or YAML file; it is left out before the configuration is read.
      $schema: { type: "string", description: "Where this schema lies, for editors; nothing to the run" },
      ...(isTable(properties) ? properties : {})
    }
  }
}
