/** Keys and their values, as a configuration file has them. */
export type Table = { readonly [key: string]: unknown }

/** Whether a value is a table: neither a list nor a single value. */
export const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether a text names a key: `train.optimizer.kind`. */
export const isKeyPath = (path: string): boolean =>
  path.split(".").every((part) => part.trim() !== "" && part !== "__proto__")

const assign = (table: Table, [key, ...rest]: ReadonlyArray<string>, value: unknown): Table => {
  if (key === undefined) return table
  const inner = table[key]
  return { ...table, [key]: rest.length === 0 ? value : assign(isTable(inner) ? inner : {}, rest, value) }
}

/**
 * The table with the key at a path set; missing sections on the way are added.
 *
 * Setting `data.root` removes `data.sample`: the user's own catalogue takes the place of the drawn one.
 */
export const setKey = (table: Table, path: string, value: unknown): Table => {
  const next = assign(table, path.split("."), value)
  if (path !== "data.root" || !isTable(next["data"])) return next
  const { sample: _, ...data } = next["data"]
  return { ...next, data }
}
