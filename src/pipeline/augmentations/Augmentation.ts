import type { Schema } from "effect"
import type { Affine } from "../affine.ts"
import type { Draw } from "../draw.ts"
import type { Pixels } from "../Pixels.ts"

/** The random numbers of one image's operation: a draw depends on (seed, epoch, sample id, operation) and nothing else. */
export type DrawOf = (operation: string) => Draw

/** How pixels move: by a mapping that is sampled, or to the exact mirror image. */
export type Movement = Affine | "mirror"

/**
 * A random change of the single image. A new one is a file beside this one, and a line in `augmentations.ts`:
 * configuration, documentation and the feed's threads follow.
 *
 * `move` and `change` are called in the list's order; an operation that is off draws nothing and costs nothing.
 */
export interface Augmentation<Fields extends Schema.Struct.Fields = Record<never, never>> {
  /** Its keys in the configuration's `augment`. Their defaults change nothing. */
  readonly settings: Fields
  /** Where pixels go, if they move; all movements of an image are sampled once. `size` is in pixels. */
  move?(
    config: Schema.Struct.Type<Fields>,
    drawOf: DrawOf,
    size: { readonly height: number; readonly width: number }
  ): Movement | undefined
  /** Whether `change` changes anything in this image. */
  changes?(config: Schema.Struct.Type<Fields>, drawOf: DrawOf): boolean
  /** New pixels of the same size; the ones that were given stay as they are. */
  change?(pixels: Pixels, config: Schema.Struct.Type<Fields>, drawOf: DrawOf): Pixels
}

/** The operation as it is declared, its configuration's type taken from its settings. */
export const augmentation = <const Fields extends Schema.Struct.Fields>(one: Augmentation<Fields>) => one
