import { Schema } from "effect"
import { intBetween, optionalSetting, setting } from "../config/Setting.ts"

/** How fast the images are made ready; no key of it changes a result. */
export const LoaderConfig = Schema.Struct({
  // A training step blocks the thread that hands images out, so that a batch or two must be on their way before it.
  concurrency: setting(
    intBetween(1, 256),
    64,
    "Images on their way at the same time; four are decoded at once (Node's `UV_THREADPOOL_SIZE`)"
  ),
  prefetch: setting(intBetween(1, 64), 2, "Batches that are made ready while a step runs"),
  workers: optionalSetting(
    intBetween(1, 64),
    "Threads that make batches ready, one batch each; `prefetch` + 1 are enough. As many as processors, where left out, and 4 at most"
  ),
  memory: setting(
    intBetween(0, 1_000_000),
    1024,
    "MiB for decoded images that are kept for the next epoch; the others are decoded again"
  ),
  cache: optionalSetting(
    Schema.NonEmptyString,
    "Folder for decoded images, by the content of their files, for later epochs and runs: for catalogues beyond `memory`, and for photos much larger than `image`. None where left out"
  ),
  cacheSize: optionalSetting(intBetween(64, 100_000_000), "Most MiB of decoded images in `cache`; 8192 where left out")
})
export type LoaderConfig = typeof LoaderConfig.Type
