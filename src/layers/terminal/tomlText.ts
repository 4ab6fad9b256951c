import { stringify } from "smol-toml"
import type { Table } from "../../config/configTable.ts"

/**
 * A table as TOML: sections in the table's order; reading it gives every value back.
 *
 * `comment` stands above, each of its lines after a `#`.
 */
export const tomlText = (table: Table, comment: string): string =>
  [...comment.split(/\r\n|\r|\n/).map((line) => `# ${line}`.trimEnd()), stringify(table).trimEnd(), ""].join("\n")
