import type { ImageBytes } from "../../pipeline/ImageBytes.ts"

/** Images of one kind that are no files: cells of a Parquet file, URLs. Another kind is a file, and a line in `AllImageBytes.ts`. */
export interface ImageKind {
  /** Whether a path names one. */
  readonly takes: (path: string) => boolean
  /** Its bytes, as `ImageBytes` has them. */
  readonly read: ImageBytes["Service"]["read"]
}
