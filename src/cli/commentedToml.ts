import { stringify } from "smol-toml"
import type { ConfigKey } from "../config/configKeys.ts"
import type { Table } from "../config/configTable.ts"
import { isTable } from "../config/configTable.ts"

/** Characters of a line of a comment. */
const width = 100

/** A text as lines of comments, divided between words. */
const comment = (text: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length + 3 <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.map((line) => `# ${line}`)
}

/** A key as TOML has it: bare, or in quotes. */
const keyText = (key: string): string => (/^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key))

/** A value on one line, tables in braces. */
const valueText = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`
  if (isTable(value)) {
    const inner = Object.entries(value).map(([key, one]) => `${keyText(key)} = ${valueText(one)}`)
    return inner.length === 0 ? "{}" : `{ ${inner.join(", ")} }`
  }
  return stringify({ key: value }).trim().slice("key = ".length)
}

/**
 * A configuration's table as TOML with what each key means above it; `head` stands at the top, a line each.
 *
 * Every value is such that reading the text gives it back.
 */
export const commentedToml = (table: Table, keys: ReadonlyArray<ConfigKey>, head: ReadonlyArray<string>): string => {
  const meaning = new Map(keys.map(({ description, path }) => [path, description]))
  const about = (path: string) => comment(meaning.get(path) ?? "").filter((line) => line !== "# ")
  const entries = Object.entries(table)
  const single = entries.flatMap(([key, value]) =>
    isTable(value) ? [] : [...about(key), `${keyText(key)} = ${valueText(value)}`]
  )
  const sections = entries.flatMap(([name, section]) =>
    isTable(section)
      ? [
          "",
          ...about(name),
          `[${keyText(name)}]`,
          ...Object.entries(section).flatMap(([key, value]) => [
            ...about(`${name}.${key}`),
            `${keyText(key)} = ${valueText(value)}`
          ])
        ]
      : []
  )
  return [...head, "", ...single, ...sections, ""].join("\n")
}
