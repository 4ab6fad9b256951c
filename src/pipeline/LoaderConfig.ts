import { Schema } from "effect"
import { intBetween, setting } from "../Setting.ts"

/** How fast the images are made ready; no key of it changes a result. */
export const LoaderConfig = Schema.Struct({
  concurrency: setting(intBetween(1, 256), 8, "Images that are decoded at the same time"),
  prefetch: setting(intBetween(1, 64), 2, "Batches that are made ready while a step runs")
})
export type LoaderConfig = typeof LoaderConfig.Type
