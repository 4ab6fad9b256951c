import { Context, Effect, Layer, Schema } from "effect"
import type { ImageBytes } from "./ImageBytes.ts"
import type { ImageConfig } from "./ImageConfig.ts"
import type { Pixels } from "./Pixels.ts"

/** What can be wrong with an image file. */
export const ImageFault = Schema.Literals([
  "imageMissing",
  "imageUnreadable",
  "imageEmpty",
  "notAnImage",
  "imageCorrupt",
  "imageUnsupported",
  "imageTooLarge"
])
export type ImageFault = typeof ImageFault.Type

/** An image file was refused: which one, for what reason, and what was found. */
export class ImageRefused extends Schema.TaggedError<ImageRefused>()("ImageRefused", {
  path: Schema.String,
  reason: ImageFault,
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/** What a check of a file found. */
export interface ImageFacts {
  /** Of the file, before any resizing, after its EXIF orientation. Pixels. */
  readonly height: number
  readonly width: number
  /** 1 for greyscale, 3 for colour, one more with alpha. */
  readonly channels: number
  readonly format: string
  /** SHA-256 of the file's bytes, in hex. */
  readonly digest: string
}

/** Decodes image files and brings them to one size. */
export class Images extends Context.Service<
  Images,
  {
    /** The file's pixels at `config`'s size: sRGB, three channels, upright, alpha on the background. */
    readonly load: (path: string, config: ImageConfig) => Effect.Effect<Pixels, ImageRefused>
    /** Decodes the whole file once and says what it is; refuses what `load` would refuse. */
    readonly check: (path: string, config: ImageConfig) => Effect.Effect<ImageFacts, ImageRefused>
    /** Where the files' bytes come from, for a feed that decodes them elsewhere: from disk, where left out. */
    readonly bytes?: ImageBytes["Service"]
  }
>()("weft/pipeline/Images") {
  /** Images from memory, already at their size: path to pixels. A path that is not there is missing. */
  static readonly layerMemory = (files: ReadonlyMap<string, Pixels>) => {
    const find = (path: string) => {
      const pixels = files.get(path)
      return pixels === undefined
        ? Effect.fail(new ImageRefused({ path, reason: "imageMissing", detail: "there is no such file" }))
        : Effect.succeed(pixels)
    }
    return Layer.succeed(Images, {
      load: find,
      check: (path) =>
        Effect.map(find(path), ({ height, width }) => ({ height, width, channels: 3, format: "memory", digest: path }))
    })
  }
}
