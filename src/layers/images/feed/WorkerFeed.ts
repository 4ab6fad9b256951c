import { Effect, Layer } from "effect"
import { Augment } from "../../../pipeline/Augment.ts"
import { Feed, FeedFailed } from "../../../pipeline/Feed.ts"
import type { Fed } from "../../../pipeline/Feed.ts"
import { Images } from "../../../pipeline/Images.ts"
import { Pool } from "./Pool.ts"
import { processorThreads } from "../../machine/processorThreads.ts"

/** More are of use only with more batches ahead: `loader.workers`. */
const mostThreads = 4

/**
 * Makes batches ready in threads, where `SharpImages` and `Augment` are the stages: the same bytes as theirs.
 *
 * Small plain JPEGs are decoded without sharp; an image that is to be enlarged is kept as it was decoded, in shared
 * memory, and enlarged, moved and normalised anew in each epoch. A file that changes is decoded again.
 */
export const layerWith = (threads: number) =>
  Layer.effect(
    Feed,
    Effect.gen(function* () {
      const images = yield* Images
      const augment = yield* Augment
      const pool = yield* Effect.acquireRelease(
        Effect.sync(() => new Pool(threads)),
        (pool) => Effect.promise(() => pool.close())
      )
      return {
        images,
        augment,
        serve: (work) =>
          Effect.callback<Fed, FeedFailed>((resume) => {
            const forget = pool.ask(
              work,
              (fed) => resume(Effect.succeed(fed)),
              (detail) => resume(Effect.fail(new FeedFailed({ detail })))
            )
            return Effect.sync(forget)
          })
      }
    })
  )

/** With a thread for each processor, four at most. */
export const layer = layerWith(Math.min(mostThreads, processorThreads()))
