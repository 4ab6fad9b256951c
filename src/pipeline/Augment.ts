import { Context, Effect, Layer } from "effect"
import type { AugmentConfig } from "./AugmentConfig.ts"
import { augmentPixels } from "./augmentations.ts"
import type { AugmentAt } from "./augmentations.ts"
import type { Pixels } from "./Pixels.ts"
import { withKey } from "./withKey.ts"

/** The key of `Augment.layer`. */
export const augmentKey = "weft"

/** Changes training images at random, the same way for the same (seed, epoch, sample). */
export class Augment extends Context.Service<
  Augment,
  {
    /** New pixels of the same size; `background` (RGB) fills what a rotation uncovers. */
    readonly apply: (
      pixels: Pixels,
      config: AugmentConfig,
      at: AugmentAt,
      background: ReadonlyArray<number>
    ) => Effect.Effect<Pixels>
    /** Names the result of `apply`; see `withKey`. Without a key, no other code computes or caches it. */
    readonly key?: string
  }
>()("weft/pipeline/Augment") {
  /** Augments on the calling thread. */
  static readonly layer = Layer.succeed(
    Augment,
    withKey(
      {
        apply: (pixels: Pixels, config: AugmentConfig, at: AugmentAt, background: ReadonlyArray<number>) =>
          Effect.sync(() => augmentPixels(pixels, config, at, background))
      },
      augmentKey
    )
  )
}
