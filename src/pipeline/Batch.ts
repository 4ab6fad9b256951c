/** A second label for each image of a batch that was mixed. */
export interface Mix {
  /** One class index for each image. */
  readonly labels: Int32Array
  /** What the batch's own label has of the target, from 0 to 1; the second one has the rest. */
  readonly shares: Float32Array
}

/** Images and their labels, as an engine takes them. */
export interface Batch {
  /** Position in its epoch, from 0. */
  readonly index: number
  /** NHWC, `size * height * width * 3` values, normalised; none where there are `features`. */
  readonly images: Float32Array
  /** What a frozen part of the network makes of the images, row by row, where that is known. */
  readonly features?: Float32Array
  /** One class index for each image. */
  readonly labels: Int32Array
  /** Where every image is one of two; only in batches that are trained on. */
  readonly mix?: Mix
  /** The samples' ids, in the same order. */
  readonly ids: ReadonlyArray<string>
  readonly size: number
  readonly height: number
  readonly width: number
  /**
   * Says that `images` will not be read again: its memory then takes another batch. Whoever does not say so loses nothing
   * but speed.
   */
  readonly release?: () => void
}
