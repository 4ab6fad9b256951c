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
  /** What the picture looks like; see `fingerprint`. Absent where it was not worked out. */
  readonly fingerprint?: string
  /** The file's name as the disk has it, where that is another than the one asked for: the Unicode form may differ. */
  readonly path?: string
}

/** Which file an image has to be; a `Sample` says it. */
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

/** Why an image file is refused, whichever it is. */
export type Refusal = Pick<ImageRefused, "reason" | "detail">

/** What is said of a path that leads outside: the same whether there is a file or not. */
export const outside: Refusal = {
  reason: "imageOutside",
  detail: "the path or a link leads outside `data.root`; name the folder in `data.allow` to read images from it"
}

/** What is said of a file that is no longer the one that was checked. */
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
    /** Decodes the whole file once and says what it is; refuses what `load` would refuse. */
    readonly check: (path: string, config: ImageConfig, expected?: Expected) => Effect.Effect<ImageFacts, ImageRefused>
    /** Names the pixels that `load` gives of a file's bytes; see `withKey`. Nothing else makes or keeps them where left out. */
    readonly key?: string
    /** Where the files' bytes come from, for a feed that decodes them elsewhere: from disk, where left out. */
    readonly bytes?: ImageBytes["Service"]
  }
>()("weft/pipeline/Images") {
  /** Images from memory, already at their size, whatever is expected: path to pixels. One that is not there is missing. */
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
