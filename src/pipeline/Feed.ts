import { Context, Schema } from "effect"
import type { Effect } from "effect"
import type { AugmentConfig } from "./AugmentConfig.ts"
import type { ImageBytes } from "./ImageBytes.ts"
import type { ImageConfig } from "./ImageConfig.ts"
import type { Expected, ImageRefused } from "./Images.ts"
import type { LoaderConfig } from "./LoaderConfig.ts"
import type { Drawn } from "./sampling.ts"

/** The images of a batch to make. */
export interface FeedWork {
  readonly slots: ReadonlyArray<Drawn<{ readonly id: string; readonly path: string } & Expected>>
  readonly image: ImageConfig
  /** Undefined: the images as they are. */
  readonly augment: AugmentConfig | undefined
  readonly seed: number
  readonly epoch: number
  readonly loader: LoaderConfig
}

/** The images of a batch, ready. */
export interface Fed {
  /** NHWC, normalised, a place for each slot; what stands in the place of a refused one means nothing. */
  readonly images: Float32Array
  /** In the slots' order. */
  readonly refused: ReadonlyArray<{ readonly slot: number; readonly error: ImageRefused }>
  /** Releases the memory of `images`, which must not be read afterwards. */
  readonly release: () => void
}

/** The feed itself failed, not an image. */
export class FeedFailed extends Schema.TaggedError<FeedFailed>()("FeedFailed", { detail: Schema.String }) {
  override get message() {
    return (
      `The images can no longer be prepared: ${this.detail}. ` +
      "Free memory, or set loader.memory or loader.workers lower, and go on with --resume."
    )
  }
}

/**
 * Does the work of `Images` and `Augment` for a whole batch at once, outside the training thread, and gives the same
 * bytes. It is used only where a run's stages have the keys that it names, so that a custom stage is never skipped.
 * Undefined unless a Layer provides it.
 */
export const Feed = Context.Reference<
  | {
      /** The keys of the stages that it replaces. */
      readonly images: string
      readonly augment: string
      /** A batch's images; `bytes` reads their files, which are on disk where it is left out. */
      readonly serve: (work: FeedWork, bytes?: ImageBytes["Service"]) => Effect.Effect<Fed, FeedFailed>
    }
  | undefined
>("weft/pipeline/Feed", { defaultValue: () => undefined })
