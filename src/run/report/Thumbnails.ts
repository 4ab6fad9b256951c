import { Context, Effect, Layer } from "effect"
import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import type { Expected } from "../../pipeline/Images.ts"
import type { Pixels } from "../../pipeline/Pixels.ts"

/** Which file a picture is of. */
export type PictureOf = Required<Pick<Expected, "digest" | "within">> & Pick<Expected, "urls">

/** Makes small pictures of image files, for pages. */
export class Thumbnails extends Context.Service<
  Thumbnails,
  {
    /**
     * A `data:` address of a picture of at most 240 x 240 pixels, never larger than it is, upright, whole; undefined where the file is missing,
     * cannot be read, lies outside its folders, or no longer has its digest.
     */
    readonly of: (path: string, expected: PictureOf, image: ImageConfig) => Effect.Effect<string | undefined>
    /** A `data:` address of pixels that are there already, at most 128 x 128. */
    readonly ofPixels: (pixels: Pixels) => Effect.Effect<string | undefined>
  }
>()("weft/run/report/Thumbnails") {
  /** Pictures from memory, by path, whatever their digest; of pixels, the one named `pixels`. */
  static readonly layerMemory = (pictures: ReadonlyMap<string, string>) =>
    Layer.succeed(Thumbnails, {
      of: (path) => Effect.succeed(pictures.get(path)),
      ofPixels: () => Effect.succeed(pictures.get("pixels"))
    })
}
