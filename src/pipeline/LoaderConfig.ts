import { Schema } from "effect"
import { intBetween, setting } from "../Setting.ts"

/** How fast the images are made ready; no key of it changes a result. */
export const LoaderConfig = Schema.Struct({
  // A training step blocks the thread that hands images out, so that a batch or two must be on their way before it.
  concurrency: setting(
    intBetween(1, 256),
    64,
    "Images on their way at the same time; four are decoded at once (Node's `UV_THREADPOOL_SIZE`)"
  ),
  prefetch: setting(intBetween(1, 64), 2, "Batches that are made ready while a step runs")
})
export type LoaderConfig = typeof LoaderConfig.Type
