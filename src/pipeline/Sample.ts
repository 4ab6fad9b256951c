/** A row that was kept: one image with the class that it belongs to. */
export interface Sample {
  /** Unique in its catalogue. */
  readonly id: string
  /** Index into the dataset's classes. */
  readonly label: number
  /** The image file. */
  readonly path: string
  /** SHA-256 of its bytes, in hex. */
  readonly digest: string
  /** The folders that it has to lie in; anywhere where left out. */
  readonly within?: ReadonlyArray<string>
  /** Its row's place in the list; see `Refusal`. */
  readonly line: number
}
