import type { ImageFault } from "./Images.ts"

/** A second label for each image of a batch that was mixed. */
export interface Mix {
  /** One class index for each image. */
  readonly labels: Int32Array
  /** What the batch's own label has of the target, from 0 to 1; the second one has the rest. */
  readonly shares: Float32Array
}

/** A sample whose image was there when it was checked, and not when it was needed. */
export interface Missed {
  readonly id: string
  readonly reason: ImageFault
  /** The file, and what was found. */
  readonly detail: string
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
  /** Samples whose place this was, in the order, and that have left the run, now or before. */
  readonly lost?: ReadonlyArray<Missed>
  /** 0 where all samples have left. */
  readonly size: number
  readonly height: number
  readonly width: number
  /**
   * Says that `images` will not be read again: its memory then takes another batch. Whoever does not say so loses nothing
   * but speed.
   */
  readonly release?: () => void
}
