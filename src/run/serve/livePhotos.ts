import { Effect, Option } from "effect"
import { ImageBytes } from "../../pipeline/ImageBytes.ts"
import { mostBytes } from "../../pipeline/ImageConfig.ts"
import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import { DeskImages } from "./DeskImages.ts"
import type { Photos } from "./Photos.ts"
import { PhotoUnreadable } from "./Photos.ts"

/** Where an image of the catalogue is. */
export type CataloguePhoto = Pick<Sample, "path" | "within" | "urls">

/** Bytes of uploads, and of the catalogue's images as far as `add` has named them. */
export const makePhotos = Effect.gen(function* () {
  const files = yield* ImageBytes
  const uploads = yield* DeskImages
  const catalogue = new Map<string, CataloguePhoto & { readonly most: number }>()
  const bytes: Photos["Service"]["bytes"] = Effect.fnUntraced(function* (digest) {
    const unreadable = ({ detail }: { readonly detail: string }) => new PhotoUnreadable({ digest, detail })
    const listed = catalogue.get(digest)
    if (listed === undefined) return yield* Effect.mapError(uploads.get(digest), unreadable)
    const { most, path, urls, within } = listed
    return Option.some(yield* Effect.mapError(files.read(path, most, within, urls), unreadable))
  })
  return {
    photos: { bytes },
    add: (digest: string, { path, urls, within }: CataloguePhoto, image: ImageConfig) =>
      catalogue.set(digest, {
        path,
        ...(within !== undefined && { within }),
        ...(urls !== undefined && { urls }),
        most: mostBytes(image)
      })
  }
})
