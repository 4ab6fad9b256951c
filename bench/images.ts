// Images per second through images, augment and batches, and how long a trainer that blocks the thread waits for data.
// node bench/images.ts FOLDER [HEIGHT WIDTH [LIMIT [BLOCK_MS [CONCURRENCY [PREFETCH]]]]]      prints one line of JSON
import { Duration, Effect, Layer, Schema, Stream } from "effect"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import * as Sharp from "../src/layers/SharpImages.ts"
import { Augment } from "../src/pipeline/Augment.ts"
import { AugmentConfig } from "../src/pipeline/AugmentConfig.ts"
import { batches } from "../src/pipeline/batches.ts"
import type { BatchesOptions } from "../src/pipeline/batches.ts"
import { ImageConfig } from "../src/pipeline/ImageConfig.ts"
import { Images } from "../src/pipeline/Images.ts"
import { LoaderConfig } from "../src/pipeline/LoaderConfig.ts"

const [folder = "", height = "64", width = "48", limit = "2000", block = "300", concurrency, prefetch] =
  process.argv.slice(2)
const image = Schema.decodeSync(ImageConfig)({ height: Number(height), width: Number(width) })
const loader = Schema.decodeSync(LoaderConfig)({
  ...(concurrency === undefined ? {} : { concurrency: Number(concurrency) }),
  ...(prefetch === undefined ? {} : { prefetch: Number(prefetch) })
})
const changes = Schema.decodeSync(AugmentConfig)({
  flip: 0.5,
  rotation: 10,
  crop: 0.2,
  brightness: 0.2,
  contrast: 0.2,
  saturation: 0.2,
  hue: 0.05,
  noise: 0.02
})
const samples = readdirSync(folder)
  .sort()
  .slice(0, Number(limit))
  .map((file, i) => ({ id: file, label: 0, path: join(folder, file), line: i + 2 }))
const options: BatchesOptions = {
  samples,
  order: undefined,
  batchSize: 32,
  image,
  augment: undefined,
  loader,
  seed: 1,
  epoch: 0,
  from: 0
}

const rate = <E, R>(work: Effect.Effect<unknown, E, R>, images: number) =>
  Effect.map(Effect.timed(work), ([duration]) => Math.round(images / Duration.toSeconds(duration)))

const seconds = () => performance.now() / 1000

/** What a training step on the main thread does to the loader: nothing else runs for `ms`, then the thread yields. */
const waits = Effect.fnUntraced(function* (steps: number, ms: number) {
  const waited: Array<number> = []
  let ready = seconds()
  yield* batches({ ...options, augment: changes }).pipe(
    Stream.take(steps),
    Stream.runForEach(() =>
      Effect.gen(function* () {
        waited.push(seconds() - ready)
        const end = seconds() + ms / 1000
        while (seconds() < end);
        yield* Effect.yieldNow
        ready = seconds()
      })
    )
  )
  const later = waited.slice(1).map((s) => Math.round(s * 1000))
  return { blockMs: ms, firstMs: Math.round((waited[0] ?? 0) * 1000), laterMs: later }
})

const program = Effect.gen(function* () {
  const images = yield* Images
  yield* Stream.runDrain(batches({ ...options, samples: samples.slice(0, 64) }))
  const load = yield* rate(Stream.runDrain(batches(options)), samples.length)
  const augmented = yield* rate(Stream.runDrain(batches({ ...options, augment: changes })), samples.length)
  const check = yield* rate(
    Effect.forEach(samples, (sample) => images.check(sample.path, image), { concurrency: loader.concurrency }),
    samples.length
  )
  const wait = yield* waits(10, Number(block))
  return {
    bench: "images",
    height: image.height,
    width: image.width,
    images: samples.length,
    ...loader,
    load,
    augmented,
    check,
    wait
  }
})

const result = await Effect.runPromise(program.pipe(Effect.provide(Layer.merge(Sharp.layer, Augment.layer))))
console.log(JSON.stringify(result))
