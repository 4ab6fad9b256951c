import { Effect, Result } from "effect"
import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import type { ImageFault } from "../../pipeline/Images.ts"
import type { Pixels } from "../../pipeline/Pixels.ts"
import { loadBytes, setUp } from "../SharpImages.ts"

setUp()

/** An image at its size, or why there is none. */
type Loaded =
  | { readonly pixels: Pixels }
  | { readonly refused: { readonly path: string; readonly reason: ImageFault; readonly detail: string } }

/** What `SharpImages` makes of a file's bytes, for a thread of the feed. */
export const loadForFeed = (path: string, bytes: Uint8Array, image: ImageConfig): Promise<Loaded> =>
  Effect.runPromise(
    Effect.map(Effect.result(loadBytes(path, bytes, image)), (result): Loaded => {
      if (Result.isSuccess(result)) return { pixels: result.success }
      const { detail, reason } = result.failure
      return { refused: { path, reason, detail } }
    })
  )
