import { Context, Effect, Layer } from "effect"
import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import type { Expected } from "../../pipeline/Images.ts"

/** Which file a picture is of. */
export type PictureOf = Required<Pick<Expected, "digest" | "within">> & Pick<Expected, "urls">

/** Makes small pictures of image files, for pages. */
export class Thumbnails extends Context.Service<
  Thumbnails,
  {
    /**
     * A `data:` address of a picture of at most 96 x 96 pixels, upright, whole; undefined where the file is missing,
     * cannot be read, lies outside its folders, or no longer has its digest.
     */
    readonly of: (path: string, expected: PictureOf, image: ImageConfig) => Effect.Effect<string | undefined>
  }
>()("weft/run/report/Thumbnails") {
  /** Pictures from memory, by path, whatever their digest. */
  static readonly layerMemory = (pictures: ReadonlyMap<string, string>) =>
    Layer.succeed(Thumbnails, { of: (path) => Effect.succeed(pictures.get(path)) })
}
