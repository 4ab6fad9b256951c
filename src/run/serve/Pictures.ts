import { Context, Schema } from "effect"
import type { Effect } from "effect"

/** The longer sides that thumbnails have, in pixels. */
export const thumbnailSizes = ["96", "192", "384", "1024"] as const
export type ThumbnailSize = (typeof thumbnailSizes)[number]

/** An image cannot be shown. */
export class PictureError extends Schema.TaggedError<PictureError>()("PictureError", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/** Images as a browser shows them. */
export class Pictures extends Context.Service<
  Pictures,
  {
    /**
     * A JPEG of an image, upright, in sRGB, its longer side `size` or less; kept on disk, so that the bytes are asked for
     * only once.
     */
    readonly thumbnail: <E, R>(
      digest: string,
      size: ThumbnailSize,
      bytes: Effect.Effect<Uint8Array, E, R>
    ) => Effect.Effect<Uint8Array, PictureError | E, R>
    /** The image itself where browsers can show its kind, and a JPEG of it otherwise; with its media type. */
    readonly shown: (
      bytes: Uint8Array
    ) => Effect.Effect<{ readonly type: string; readonly bytes: Uint8Array }, PictureError>
  }
>()("weft/run/serve/Pictures") {}
