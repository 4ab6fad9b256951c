import { Context, Schema } from "effect"
import type { Effect, Option } from "effect"

/** An image's bytes cannot be read. */
export class PhotoUnreadable extends Schema.TaggedError<PhotoUnreadable>()("PhotoUnreadable", {
  digest: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `the image ${this.digest.slice(0, 12)} cannot be read: ${this.detail}`
  }
}

/** The bytes of all images at the desk: of uploads, and of the catalogue where it has them. */
export class Photos extends Context.Service<
  Photos,
  {
    /** Bytes with this digest; none where neither uploads nor catalogue have them. */
    readonly bytes: (digest: string) => Effect.Effect<Option.Option<Uint8Array>, PhotoUnreadable>
  }
>()("weft/run/serve/Photos") {}
