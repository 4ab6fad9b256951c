/**
 * Images per second of the feed in its first epoch (decoding) and the next ones, and how long a trainer that blocks the
 * thread waits. Prints one JSON line:
 *   node bench/feed.ts --data FOLDER --size 224 --workers 2 --limit 4000
 * With --memory 0, nothing is kept in memory; with --cache, decoded images are kept on disk. With --plain, image by image on this thread: what the feed replaces.
 */
import { Console, Effect, Layer, Schema, Stream } from "effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { digestOf } from "../src/layers/images/digest.ts"
import * as SharpImages from "../src/layers/images/SharpImages.ts"
import * as WorkerFeed from "../src/layers/images/feed/WorkerFeed.ts"
import { Augment } from "../src/pipeline/Augment.ts"
import { AugmentConfig } from "../src/pipeline/AugmentConfig.ts"
import { batches } from "../src/pipeline/batches.ts"
import { ImageConfig } from "../src/pipeline/ImageConfig.ts"
import { LoaderConfig } from "../src/pipeline/LoaderConfig.ts"

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "64" },
    limit: { type: "string", default: "4000" },
    workers: { type: "string", default: "2" },
    /** MiB for decoded images. */
    memory: { type: "string", default: "1024" },
    /** Of a training step that blocks the thread, in milliseconds. */
    step: { type: "string", default: "300" },
    /** Keep decoded images on disk, in a folder that is removed at the end. */
    cache: { type: "boolean", default: false },
    plain: { type: "boolean", default: false }
  }
})

const folder = values.data ?? ""
const size = Number(values.size)
const samples = readdirSync(folder)
  .sort()
  .slice(0, Number(values.limit))
  .map((file, i) => {
    const path = join(folder, file)
    return { id: file, label: 0, path, digest: digestOf(readFileSync(path)), line: i + 2 }
  })
const cache = values.cache ? mkdtempSync(join(tmpdir(), "weft-cache-")) : undefined
const epochOf = (epoch: number) =>
  batches({
    samples,
    order: undefined,
    batchSize: Number(values.batch),
    image: Schema.decodeSync(ImageConfig)({ height: size, width: size }),
    augment: Schema.decodeSync(AugmentConfig)({ flip: 0.5, rotation: 10 }),
    loader: Schema.decodeSync(LoaderConfig)({
      workers: Number(values.workers),
      memory: Number(values.memory),
      ...(cache !== undefined && { cache })
    }),
    seed: 1,
    epoch,
    from: 0
  })

/** Images per second of an epoch, and milliseconds of processor time for each. */
const rate = Effect.fnUntraced(function* (epoch: number) {
  const start = performance.now()
  const before = process.cpuUsage()
  yield* Stream.runForEach(epochOf(epoch), (batch) => Effect.sync(() => batch.release?.()))
  const { system, user } = process.cpuUsage(before)
  return {
    perSecond: (samples.length / (performance.now() - start)) * 1000,
    cpu: (user + system) / 1000 / samples.length
  }
})

/** Share of the time in which a trainer that blocks the thread for `ms` a step waits for its next batch. */
const waiting = Effect.fnUntraced(function* (steps: number, ms: number) {
  let ready = performance.now()
  let waited = 0
  let all = 0
  let step = 0
  yield* Stream.runForEach(Stream.take(epochOf(9), steps), (batch) =>
    Effect.gen(function* () {
      const start = performance.now()
      while (performance.now() - start < ms);
      batch.release?.()
      const end = performance.now()
      // The first batch has nothing to hide behind.
      if (step++ > 0) {
        waited += start - ready
        all += end - ready
      }
      ready = end
      yield* Effect.void
    })
  )
  return waited / all
})

const stages = Layer.merge(SharpImages.layer, Augment.layer)
const feed = WorkerFeed.layerWith(Number(values.workers)).pipe(Layer.provideMerge(stages))

const main = Effect.gen(function* () {
  if (cache !== undefined) yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(cache, { recursive: true })))
  const first = yield* rate(0)
  yield* rate(1)
  const later = yield* rate(2)
  const waitingBehindSteps = values.plain ? undefined : yield* waiting(12, Number(values.step))
  yield* Console.log(
    JSON.stringify({
      bench: "feed",
      size,
      batch: Number(values.batch),
      workers: Number(values.workers),
      images: samples.length,
      imagesPerSecond: first.perSecond,
      laterImagesPerSecond: later.perSecond,
      cpuMsPerImage: first.cpu,
      laterCpuMsPerImage: later.cpu,
      waitingBehindSteps
    })
  )
}).pipe(Effect.scoped)

await Effect.runPromise(main.pipe(Effect.provide(values.plain ? stages : feed)))
