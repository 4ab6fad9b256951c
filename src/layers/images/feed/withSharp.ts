import { Effect, Result } from "effect"
import type { ImageConfig } from "../../../pipeline/ImageConfig.ts"
import type { Expected, ImageFault } from "../../../pipeline/Images.ts"
import type { Pixels } from "../../../pipeline/Pixels.ts"
import { load, setUp } from "../SharpImages.ts"

setUp()

/** Images that sharp decodes at the same time, for one thread of ours. */
const atOnce = 4

/** An image at its size, or why there is none. */
type Loaded =
  | { readonly pixels: Pixels }
  | { readonly refused: { readonly path: string; readonly reason: ImageFault; readonly detail: string } }

/** A file, and which it has to be. */
interface Wanted {
  readonly path: string
  readonly expected: Expected
}

/** Images by sharp, in the files' order. A module of its own, for a thread that never needs sharp starts sooner. */
export const loadWithSharp = (files: ReadonlyArray<Wanted>, image: ImageConfig): Promise<ReadonlyArray<Loaded>> =>
  Effect.runPromise(
    Effect.forEach(
      files,
      ({ expected, path }) =>
        Effect.map(Effect.result(load(path, image, expected)), (result): Loaded => {
          if (Result.isSuccess(result)) return { pixels: result.success }
          const { detail, reason } = result.failure
          return { refused: { path, reason, detail } }
        }),
      { concurrency: atOnce }
    )
  )
