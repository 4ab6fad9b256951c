import { elementAt } from "../../pipeline/elementAt.ts"
import { Effect } from "effect"
import type { Held } from "../../model/export/batchFor.ts"
import type { Model } from "../../model/Model.ts"
import { draw } from "../../pipeline/draw.ts"
import { Images } from "../../pipeline/Images.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { RunConfig } from "../../config/RunConfig.ts"

/** How many images an export is checked on. */
const most = 8

/** The images that an export is checked on: those of the run's test part, or noise. */
export type HeldSource = "test" | "noise"

/** Images for a check, and a description for people. */
export interface HeldImages extends Held {
  readonly source: HeldSource
  readonly what: string
}

/** Noise that is the same on every machine: each image has its own grey, so that no two are alike. */
const noise = ({ network: { height, width } }: Model, why: string): HeldImages => {
  const length = height * width * 3
  const bytes = new Uint8Array(most * length)
  for (let image = 0; image < most; image++) {
    const random = draw("export", image)
    const grey = random.between(40, 215)
    for (let i = 0; i < length; i++) bytes[image * length + i] = Math.round(grey + random.between(-40, 40))
  }
  return { bytes, size: most, height, width, source: "noise", what: `${most} images of noise (${why})` }
}

const testImages = Effect.fnUntraced(function* (config: RunConfig, model: Model) {
  const { load } = yield* Images
  const { test } = yield* Pipeline.dataset(config)
  const size = Math.min(most, test.length)
  // From the whole part: neighbours are of one class.
  const samples = Array.from({ length: size }, (_, i) => elementAt(test, Math.floor((i * test.length) / size)))
  const loaded = yield* Effect.forEach(samples, (sample) => load(sample.path, model.image, sample))
  const { height, width } = model.network
  const bytes = new Uint8Array(size * height * width * 3)
  for (const [i, { data }] of loaded.entries()) bytes.set(data, i * height * width * 3)
  return { bytes, size, height, width, source: "test", what: `${size} images of the test part` } satisfies HeldImages
})

/**
 * The images that an export is checked on: evenly from the run's test part; or noise, on request or where the catalogue
 * can no longer be read, with the reason.
 */
export const heldImages = (config: RunConfig, model: Model, source: HeldSource) =>
  source === "noise"
    ? Effect.succeed(noise(model, "as asked for"))
    : testImages(config, model).pipe(
        Effect.map((held) => (held.size > 0 ? held : noise(model, "the test part is empty"))),
        Effect.catch((error) => Effect.succeed(noise(model, `the catalogue cannot be read: ${error.message}`)))
      )
