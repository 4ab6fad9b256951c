import { Schema } from "effect"

/** One key of a configuration, as its Schema has it. */
export interface ConfigKey {
  /** `train.optimizer.momentum`. */
  readonly path: string
  /** What may stand there: `1 to 100000`, `"best" or "last"`. */
  readonly values: string
  /** It takes whole numbers only. */
  readonly isWhole: boolean
  /** As JSON; undefined where the key is off when it is left out. */
  readonly byDefault: string | undefined
  readonly description: string
  /** A section has keys of its own. */
  readonly isSection: boolean
}

/** The parts of a JSON Schema that are read. */
interface Json {
  readonly properties?: Readonly<Record<string, Json>>
  readonly description?: string
  readonly default?: unknown
  readonly type?: string
  readonly enum?: ReadonlyArray<string>
  readonly minimum?: number
  readonly maximum?: number
  readonly allOf?: ReadonlyArray<Json>
  readonly anyOf?: ReadonlyArray<Json>
}

const flatten = (json: Json): Json =>
  Object.assign(
    {},
    ...(json.allOf ?? []).map(flatten),
    Object.fromEntries(Object.entries(json).filter(([key]) => key !== "allOf"))
  )

const valuesOf = (json: Json): string => {
  if (json.enum !== undefined) return json.enum.map((value) => JSON.stringify(value)).join(" or ")
  const isBounded = (bound: number | undefined) => bound !== undefined && Math.abs(bound) !== Number.MAX_SAFE_INTEGER
  if (isBounded(json.minimum) || isBounded(json.maximum))
    return [
      ...(json.type === "integer" ? ["whole number,"] : []),
      ...(isBounded(json.minimum) ? [`${json.minimum}`] : []),
      ...(isBounded(json.maximum) ? [`to ${json.maximum}`] : ["or more"])
    ].join(" ")
  if (json.anyOf !== undefined && json.type === undefined) return [...new Set(json.anyOf.map(valuesOf))].join(" or ")
  return json.type === "array" ? "list" : json.type === "string" ? "text" : (json.type ?? "")
}

/** Every key of a configuration's Schema, sections before their keys, in the Schema's order. */
export const configKeys = (schema: Schema.Top): ReadonlyArray<ConfigKey> => {
  const walk = (json: Json, parent: string): ReadonlyArray<ConfigKey> =>
    Object.entries(json.properties ?? {}).flatMap(([name, reference]) => {
      const inner = flatten(reference)
      const isSection = inner.properties !== undefined
      const path = parent === "" ? name : `${parent}.${name}`
      const key: ConfigKey = {
        path,
        values: isSection ? "" : valuesOf(inner),
        isWhole: inner.type === "integer",
        byDefault: isSection || inner.default === undefined ? undefined : JSON.stringify(inner.default),
        description: inner.description ?? "",
        isSection
      }
      return [key, ...walk(inner, path)]
    })
  // A JSON Schema document is plain data, of which every part that is read may be absent.
  return walk(flatten(Schema.toJsonSchemaDocument(schema).schema as Json), "")
}
