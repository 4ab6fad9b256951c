import type { ImageFault } from "./Images.ts"
import type { ColumnLabels } from "./LabelColumn.ts"

/** A second image, whose labels count too, for each image of a batch that was mixed. */
export interface Mix {
  /** The position in the batch of the image that each was mixed with: its second labels are that image's. */
  readonly partners: Int32Array
  /** The first label's share of the target, from 0 to 1; the second label has the rest. */
  readonly shares: Float32Array
}

/** Second classes of a batch in one label column with one value. */
export interface Softened {
  /** One class index for each image; -1 where there is no second class. */
  readonly labels: Int32Array
  /** Each second class's share of the target; the label has the rest. */
  readonly shares: Float32Array
}

/** A sample whose image could be read when it was checked, but not when it was needed. */
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
  /** The features of the images by a frozen part of the network, row by row, where they are known. */
  readonly features?: Float32Array
  /** One class index for each image, of the first label column; -1 where it is not known. */
  readonly labels: Int32Array
  /** The labels of every column, in the columns' order; absent where there is one column with one value. */
  readonly columns?: ReadonlyArray<ColumnLabels>
  /**
   * The second classes of each label column, in the columns' order; undefined where no label of the column is softened.
   * Absent where none at all is; only in training batches.
   */
  readonly softened?: ReadonlyArray<Softened | undefined>
  /** Where images are mixed; only in training batches. */
  readonly mix?: Mix
  /**
   * The logits of the run's teachers for these very images: of each label column (size, classes), row by row, one array
   * for each teacher that has the column. Absent where there is no teacher; only in training batches.
   */
  readonly teacher?: ReadonlyArray<ReadonlyArray<Float32Array>>
  /** The samples' ids, in the same order. */
  readonly ids: ReadonlyArray<string>
  /** Samples of this batch, in their order, that have left the run, now or before. */
  readonly lost?: ReadonlyArray<Missed>
  /** 0 where all samples have left. */
  readonly size: number
  readonly height: number
  readonly width: number
  /**
   * Releases the memory of `images` for another batch: the images must not be read afterwards. A batch that is not
   * released costs only speed.
   */
  readonly release?: () => void
}
