import { Context, Schema } from "effect"
import type { Effect } from "effect"
import type { AugmentConfig } from "./AugmentConfig.ts"
import type { ImageBytes } from "./ImageBytes.ts"
import type { ImageConfig } from "./ImageConfig.ts"
import type { Expected, ImageRefused } from "./Images.ts"
import type { LoaderConfig } from "./LoaderConfig.ts"

/** The images of a batch that is wanted. */
export interface FeedWork {
  readonly slots: ReadonlyArray<{ readonly id: string; readonly path: string } & Expected>
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
  /** Gives the memory of `images` back: nobody may read it any more. */
  readonly release: () => void
}

/** The feed's own machinery broke: not an image's fault. */
export class FeedFailed extends Schema.TaggedError<FeedFailed>()("FeedFailed", { detail: Schema.String }) {
  override get message() {
    return (
      `The images can no longer be made ready: ${this.detail}. ` +
      "Free memory, or set loader.memory or loader.workers lower, and go on with --resume."
    )
  }
}

/**
 * Does the work of an `Images` and an `Augment` for a whole batch at once, away from the thread that trains; the bytes
 * are those that the two would give. It is used where a run's stages have the keys that it names, so that a stage of one's
 * own is never passed by. Nobody does it unless a Layer says who.
 */
export const Feed = Context.Reference<
  | {
      /** The keys of the stages whose work it does. */
      readonly images: string
      readonly augment: string
      /** A batch's images; `bytes` reads their files, which are on disk where it is left out. */
      readonly serve: (work: FeedWork, bytes?: ImageBytes["Service"]) => Effect.Effect<Fed, FeedFailed>
    }
  | undefined
>("weft/pipeline/Feed", { defaultValue: () => undefined })
