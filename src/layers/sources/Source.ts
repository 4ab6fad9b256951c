import type { Stream } from "effect"
import type { Reading } from "../../pipeline/corrections.ts"
import type { DataConfig } from "../../pipeline/DataConfig.ts"
import type { Listed } from "../../pipeline/Rows.ts"
import type { RowsError } from "../../pipeline/RowsError.ts"

/** One kind of catalogue: a file that exports one of these, and a line in `FileRows.ts`. */
export interface Source {
  /** Whether this source reads the configured catalogue, by a key of its own. */
  readonly takes: (config: DataConfig) => boolean
  /** The rows, as `Rows` has them, with the corrected cells. */
  readonly read: (root: string, config: Reading) => Stream.Stream<Listed, RowsError>
}
