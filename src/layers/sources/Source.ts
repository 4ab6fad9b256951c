import type { DataConfig } from "../../pipeline/DataConfig.ts"
import type { Rows } from "../../pipeline/Rows.ts"

/**
 * A kind of catalogue. A new one (class folders, Parquet) is a file that exports a `Source`, and a line in
 * `FileRows.ts`.
 */
export interface Source {
  /** Whether this source reads the configured catalogue, by its file's ending or by a key of its own. */
  readonly takes: (config: DataConfig) => boolean
  /** The rows, as `Rows` has them. */
  readonly read: Rows["Service"]["read"]
}
