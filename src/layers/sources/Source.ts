import type { DataConfig } from "../../pipeline/DataConfig.ts"
import type { Rows } from "../../pipeline/Rows.ts"

/** One kind of catalogue: a file that exports one of these, and a line in `FileRows.ts`. */
export interface Source {
  /** Whether this source reads the configured catalogue, by a key of its own. */
  readonly takes: (config: DataConfig) => boolean
  /** The rows, as `Rows` has them. */
  readonly read: Rows["Service"]["read"]
}
