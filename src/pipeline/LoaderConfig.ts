import { Schema } from "effect"
import { intBetween, optionalSetting, setting } from "../config/Setting.ts"

/** How fast the images are prepared; no key of it changes a result. */
export const LoaderConfig = Schema.Struct({
  // A training step blocks the thread that delivers images, so that a batch or two must be in preparation before it.
  concurrency: setting(
    intBetween(1, 256),
    64,
    "Images in preparation at the same time; four are decoded at once (Node's `UV_THREADPOOL_SIZE`)"
  ),
  prefetch: setting(intBetween(1, 64), 2, "Batches that are prepared while a step runs"),
  workers: optionalSetting(
    intBetween(1, 64),
    "Worker threads that prepare batches, one batch each; `prefetch` + 1 are enough. Where left out, one for each processor, at most 4"
  ),
  memory: setting(
    intBetween(0, 1_000_000),
    1024,
    "MiB of decoded images kept in memory for the next epoch; the others are decoded again"
  ),
  cache: optionalSetting(
    Schema.NonEmptyString,
    "Folder that caches decoded images by the content of their files, for later epochs and runs: for catalogues beyond `memory`, and for photos much larger than `image`. No cache where left out"
  ),
  cacheSize: optionalSetting(intBetween(64, 100_000_000), "Most MiB of decoded images in `cache`; 8192 where left out")
})
export type LoaderConfig = typeof LoaderConfig.Type
