import { Context, Schema } from "effect"
import type { Effect, Option } from "effect"

/** The desk's images cannot be read or kept: a full disk, missing rights. */
export class DeskImagesError extends Schema.TaggedError<DeskImagesError>()("DeskImagesError", {
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return this.detail
  }
}

/** The bytes of uploaded images, by their digests. An image's own name is never part of a path. */
export class DeskImages extends Context.Service<
  DeskImages,
  {
    /** Keeps an image's bytes, durably, before it succeeds; gives their SHA-256 in hex. The same bytes are kept once. */
    readonly put: (bytes: Uint8Array) => Effect.Effect<string, DeskImagesError>
    readonly get: (digest: string) => Effect.Effect<Option.Option<Uint8Array>, DeskImagesError>
    /** Where an image's file lies, for a training run; absolute. */
    readonly path: (digest: string) => string
  }
>()("weft/run/serve/DeskImages") {}
