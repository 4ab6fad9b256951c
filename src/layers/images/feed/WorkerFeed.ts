import { Effect, Layer } from "effect"
import { augmentKey } from "../../../pipeline/Augment.ts"
import { Feed, FeedFailed } from "../../../pipeline/Feed.ts"
import type { Fed, FeedWork } from "../../../pipeline/Feed.ts"
import type { ImageBytes } from "../../../pipeline/ImageBytes.ts"
import { mostBytes } from "../../../pipeline/ImageConfig.ts"
import { decoders } from "../decoders.ts"
import type { ReadBytes } from "./messages.ts"
import { Pool } from "./Pool.ts"
import { processorThreads } from "../../machine/processorThreads.ts"

/** More are of use only with more batches ahead: `loader.workers`. */
const mostThreads = 4

/** Bytes that fill their memory: a message copies all of it, and a request's bytes are some of 64 KiB. */
const alone = (bytes: Uint8Array): ReadBytes =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes)

/**
 * The bytes of a batch's images that are not files on disk: a service of this thread alone can have them. None for those
 * that are; undefined where all are.
 */
const readHere = (bytes: ImageBytes["Service"] | undefined, { image, loader, slots }: FeedWork) =>
  bytes === undefined || slots.every(({ path }) => bytes.isOnDisk(path))
    ? Effect.undefined
    : Effect.forEach(
        slots,
        ({ path, urls, within }) =>
          bytes.isOnDisk(path)
            ? Effect.undefined
            : Effect.match(bytes.read(path, mostBytes(image), within, urls), {
                onFailure: ({ detail, reason }): ReadBytes => ({ detail, reason }),
                onSuccess: alone
              }),
        { concurrency: loader.concurrency }
      )

/**
 * Makes batches ready in threads for `SharpImages` and `Augment.layer`: the same bytes as theirs.
 *
 * Files on disk are read by the threads, by the code of `DiskImageBytes`; another `ImageBytes` is asked here, and its bytes
 * are sent to them. Small plain JPEGs are decoded without sharp; an image that is to be enlarged is kept as it was
 * decoded, in shared memory, and enlarged, moved and normalised anew in each epoch. A file that changes is read again.
 */
export const layerWith = (threads: number) =>
  Layer.effect(
    Feed,
    Effect.gen(function* () {
      const pool = yield* Effect.acquireRelease(
        Effect.sync(() => new Pool(threads)),
        (pool) => Effect.promise(() => pool.close())
      )
      return {
        images: decoders,
        augment: augmentKey,
        serve: Effect.fn("Feed.serve")(function* (work: FeedWork, bytes?: ImageBytes["Service"]) {
          const read = yield* readHere(bytes, work)
          return yield* Effect.callback<Fed, FeedFailed>((resume) => {
            const forget = pool.ask(
              work,
              (fed) => resume(Effect.succeed(fed)),
              (detail) => resume(Effect.fail(new FeedFailed({ detail }))),
              read
            )
            return Effect.sync(forget)
          })
        })
      }
    })
  )

/** With a thread for each processor, four at most. */
export const layer = layerWith(Math.min(mostThreads, processorThreads()))
