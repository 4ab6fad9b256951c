import { Effect, Layer, Semaphore } from "effect"
import { mkdir, readFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import sharp from "sharp"
import { formatOf } from "../../../pipeline/imageFormat.ts"
import type { ThumbnailSize } from "../../../run/serve/Pictures.ts"
import { PictureError, Pictures } from "../../../run/serve/Pictures.ts"
import { atomicWrite } from "../../storage/atomicWrite.ts"

/** Kinds that every browser shows, by their media types. */
const shownKinds: Readonly<Record<string, string>> = {
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif"
}

/** The longer side of a JPEG that stands for a kind that browsers do not show. */
const longest = 2048

/** Images that are made smaller at the same time: answers for people, beside those of the model. */
const atOnce = 2

const rendered = (bytes: Uint8Array, side: number, maxPixels: number) =>
  Effect.tryPromise({
    try: async () => {
      if (formatOf(bytes) === undefined) throw new Error("it is no image")
      const image = sharp(bytes, { failOn: "none", limitInputPixels: maxPixels, autoOrient: true, pages: 1 })
      // As in `SharpImages`: 16-bit colours with a profile would be those of another colour space.
      if ((await image.metadata()).depth === "ushort") image.pipelineColourspace("srgb")
      return await image
        .flatten({ background: "#ffffff" })
        .resize({ width: side, height: side, fit: "inside", withoutEnlargement: true })
        .toColourspace("srgb")
        .jpeg({ quality: 82, mozjpeg: false })
        .toBuffer()
    },
    catch: (cause) =>
      new PictureError({
        detail: `the image cannot be shown: ${cause instanceof Error ? cause.message : String(cause)}`
      })
  })

/** Pictures by sharp; thumbnails are files in a folder, by digest and size. */
export const layer = (folder: string, maxPixels: number) =>
  Layer.sync(Pictures, () => {
    const root = resolve(folder)
    const busy = Semaphore.makeUnsafe(atOnce)
    const kept = (path: string) => Effect.promise(() => readFile(path).catch(() => undefined))
    return {
      thumbnail: Effect.fnUntraced(function* <E, R>(
        digest: string,
        size: ThumbnailSize,
        bytes: Effect.Effect<Uint8Array, E, R>
      ) {
        const path = join(root, digest.slice(0, 2), `${digest}-${size}.jpg`)
        const before = yield* kept(path)
        if (before !== undefined) return before
        const jpeg = yield* Semaphore.withPermit(busy)(
          Effect.flatMap(bytes, (whole) => rendered(whole, Number(size), maxPixels))
        )
        // A full disk costs time alone.
        yield* Effect.ignore(
          Effect.andThen(
            Effect.tryPromise(() => mkdir(dirname(path), { recursive: true })),
            atomicWrite(path, jpeg)
          )
        )
        return jpeg
      }),
      shown: Effect.fnUntraced(function* (bytes) {
        const type = shownKinds[formatOf(bytes) ?? ""]
        if (type !== undefined) return { type, bytes }
        return { type: "image/jpeg", bytes: yield* Semaphore.withPermit(busy)(rendered(bytes, longest, maxPixels)) }
      })
    }
  })
