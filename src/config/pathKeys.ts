import type { Table } from "./configTable.ts"
import { isTable } from "./configTable.ts"

/** The keys of a run that name a file or a folder, or a list of them. A new one is a line here. */
export const pathKeys = [
  "data.root",
  "data.allow",
  "data.corrections",
  "data.urls.cache",
  "network.weights",
  "train.teacher",
  "train.teacher.from"
] as const

/** Makes a path absolute. */
export type Resolve = (path: string) => string

/** `hf:OWNER/NAME` or an address, which has no folder to be relative to. */
const isAddress = (text: string): boolean => /^(hf:|[A-Za-z][A-Za-z0-9+.-]*:\/\/)/.test(text)

const absolute = (value: unknown, resolve: Resolve): unknown => {
  if (Array.isArray(value)) return value.map((one: unknown) => absolute(one, resolve))
  // What is no path is left to the Schema, which says so; so is an empty one, which would be the folder itself.
  return typeof value === "string" && value !== "" && !isAddress(value) ? resolve(value) : value
}

/**
 * A run's value at a key (`""`: the whole table) with every path in it absolute. Whatever is no path stays as it is.
 *
 * A relative path is meant from where it was written: in a file from the file's folder, on the command line from the
 * working directory. Afterwards it is the same for whoever reads the configuration, from wherever.
 */
export const withAbsolutePaths = (key: string, value: unknown, resolve: Resolve): unknown => {
  // A key may take a path or a table with one.
  if (pathKeys.some((one) => one === key) && !isTable(value)) return absolute(value, resolve)
  const prefix = key === "" ? "" : `${key}.`
  if (!isTable(value) || !pathKeys.some((one) => one.startsWith(prefix))) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, withAbsolutePaths(prefix + name, inner, resolve)])
  )
}

/** A run's table, with every path in it absolute. */
export const runWithAbsolutePaths = (table: Table, resolve: Resolve): Table => {
  const resolved = withAbsolutePaths("", table, resolve)
  return isTable(resolved) ? resolved : table
}
