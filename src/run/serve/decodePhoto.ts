import { Effect } from "effect"
import type { Fed, FeedFailed, FeedWork } from "../../pipeline/Feed.ts"
import { tooManyBytes } from "../../pipeline/ImageBytes.ts"
import type { ImageBytes } from "../../pipeline/ImageBytes.ts"
import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import { ImageRefused } from "../../pipeline/Images.ts"
import type { Photo } from "./Classifier.ts"

/** A service of bytes that are in memory. */
const bytesOf = (photo: Photo): ImageBytes["Service"] => ({
  isOnDisk: () => false,
  read: (path: string, most: number) =>
    photo.bytes.length > most
      ? Effect.fail(new ImageRefused({ path, reason: "imageTooLarge", detail: tooManyBytes(photo.bytes.length, most) }))
      : Effect.succeed(photo.bytes)
})

/** Threads do the work; nothing is kept for a second look. */
const loader: FeedWork["loader"] = { concurrency: 64, prefetch: 64, memory: 0 }

/** What decodes images: the context's `Feed`. */
interface Decoder {
  readonly serve: (work: FeedWork, bytes?: ImageBytes["Service"]) => Effect.Effect<Fed, FeedFailed>
}

/** A photo as a model takes it, decoded in the feed's threads. */
export const decodePhoto = (feed: Decoder, image: ImageConfig, photo: Photo) =>
  feed.serve(
    { slots: [{ id: "", path: photo.name }], image, augment: undefined, seed: 0, epoch: 0, loader },
    bytesOf(photo)
  )
