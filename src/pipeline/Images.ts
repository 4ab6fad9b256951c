import { Context, Effect, Layer, Schema } from "effect"
import type { UrlsConfig } from "./DataConfig.ts"
import type { ImageBytes } from "./ImageBytes.ts"
import type { ImageConfig } from "./ImageConfig.ts"
import type { Pixels } from "./Pixels.ts"

/** What can be wrong with an image file. */
export const ImageFault = Schema.Literals([
  "imageOutside",
  "urlRefused",
  "notFetched",
  "imageMissing",
  "imageUnreadable",
  "imageEmpty",
  "notAnImage",
  "imageCorrupt",
  "imageUnsupported",
  "imageTooLarge",
  "imageChanged"
])
export type ImageFault = typeof ImageFault.Type

/** An image file was refused: which one, the reason, and what was found. */
export class ImageRefused extends Schema.TaggedError<ImageRefused>()("ImageRefused", {
  path: Schema.String,
  reason: ImageFault,
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/** The result of a check of a file. */
export interface ImageFacts {
  /** The image's height in pixels, before resizing, after the EXIF orientation. */
  readonly height: number
  readonly width: number
  /** 1 for greyscale, 3 for colour, one more with alpha. */
  readonly channels: number
  readonly format: string
  /** SHA-256 of the file's bytes, in hex. */
  readonly digest: string
  /** Fingerprint of what the picture looks like; see `fingerprint`. Absent where it was not computed. */
  readonly fingerprint?: string
  /** The file's name on disk, where it differs from the given one: the Unicode form may differ. */
  readonly path?: string
}

/** What is expected of an image file; a `Sample` has it. */
export interface Expected {
  /** SHA-256 of its bytes, in hex: other bytes are refused (`imageChanged`). Any where left out. */
  readonly digest?: string | undefined
  /**
   * The folders that it has to lie in, all links followed (`imageOutside`, which does not tell what is there); anywhere
   * where left out.
   */
  readonly within?: ReadonlyArray<string> | undefined
  /** Which URLs may be fetched, and how; none where left out. */
  readonly urls?: UrlsConfig | undefined
}

/** An `ImageRefused` without the path. */
export type Refusal = Pick<ImageRefused, "reason" | "detail">

/** The refusal of a path that leads outside: the same whether there is a file or not. */
export const outside: Refusal = {
  reason: "imageOutside",
  detail: "the path or a link leads outside `data.root`; name the folder in `data.allow` to read images from it"
}

/** The refusal of a file that has changed since it was checked. */
export const changed: Refusal = {
  reason: "imageChanged",
  detail: "the file has other bytes than when it was checked"
}

/** Decodes image files and brings them to one size. */
export class Images extends Context.Service<
  Images,
  {
    /** The file's pixels at `config`'s size: sRGB, three channels, upright, alpha on the background. */
    readonly load: (path: string, config: ImageConfig, expected?: Expected) => Effect.Effect<Pixels, ImageRefused>
    /** Decodes the whole file once and returns its facts; refuses what `load` would refuse. */
    readonly check: (path: string, config: ImageConfig, expected?: Expected) => Effect.Effect<ImageFacts, ImageRefused>
    /**
     * Names the pixels that `load` makes of a file's bytes; see `withKey`. Without a key, no other code computes or
     * caches them.
     */
    readonly key?: string
    /** Where the files' bytes come from, for a feed that decodes them elsewhere: from disk, where left out. */
    readonly bytes?: ImageBytes["Service"]
  }
>()("weft/pipeline/Images") {
  /** Images from memory, by path, already at their size; `expected` is ignored. Other paths are missing. */
  static readonly layerMemory = (files: ReadonlyMap<string, Pixels>) => {
    const isFolder = (path: string) => [...files.keys()].some((file) => file.startsWith(`${path}/`))
    const find = (path: string) => {
      const pixels = files.get(path)
      if (pixels !== undefined) return Effect.succeed(pixels)
      return Effect.fail(
        isFolder(path)
          ? new ImageRefused({ path, reason: "imageUnreadable", detail: "this is a folder" })
          : new ImageRefused({ path, reason: "imageMissing", detail: "there is no such file" })
      )
    }
    return Layer.succeed(Images, {
      load: find,
      check: (path) =>
        Effect.map(find(path), ({ height, width }) => ({ height, width, channels: 3, format: "memory", digest: path }))
    })
  }
}
