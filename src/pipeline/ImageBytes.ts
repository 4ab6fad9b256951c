import { Context, Effect, Layer } from "effect"
import type { UrlsConfig } from "./DataConfig.ts"
import { ImageRefused } from "./Images.ts"

/** The bytes of image files: the one place where `Images` and the feed meet a disk, an archive or a server. */
export class ImageBytes extends Context.Service<
  ImageBytes,
  {
    /**
     * All bytes of a file. Refuses a file that is missing, not regular, unreadable, longer than `most` bytes, or in
     * none of the folders `within` (`Expected`; any folder where left out). A source without folders may ignore
     * `within`.
     * `urls` says which URLs may be fetched; none where left out.
     */
    readonly read: (
      path: string,
      most: number,
      within?: ReadonlyArray<string> | undefined,
      urls?: UrlsConfig | undefined
    ) => Effect.Effect<Uint8Array, ImageRefused>
    /** Whether a path names a file on disk: the feed's threads then read it themselves, and are sent no bytes. */
    readonly isOnDisk: (path: string) => boolean
  }
>()("weft/pipeline/ImageBytes") {
  /** Files from memory, in whatever folder: path to bytes. */
  static readonly layerMemory = (files: ReadonlyMap<string, Uint8Array>) =>
    Layer.succeed(ImageBytes, {
      isOnDisk: () => false,
      read: (path, most) => {
        const bytes = files.get(path)
        if (bytes === undefined)
          return Effect.fail(new ImageRefused({ path, reason: "imageMissing", detail: "there is no such file" }))
        return bytes.length > most
          ? Effect.fail(new ImageRefused({ path, reason: "imageTooLarge", detail: tooManyBytes(bytes.length, most) }))
          : Effect.succeed(bytes)
      }
    })
}

/** The message on a file that is longer than the configuration allows. */
export const tooManyBytes = (bytes: number, most: number, key = "image.maxBytes"): string =>
  `it has ${bytes} bytes; ${key} allows ${most}`
