/**
 * Images per second of the feed in its first epoch (decoding) and the next ones, of image by image on one thread, and,
 * with --peer, of torchvision's DataLoader, one after the other, round by round; and how long a trainer that blocks the
 * thread waits. Medians as one line of JSON:
 *   node bench/feed.ts --data FOLDER --peer PYTHON --script input_pipeline.py
 */
import { Effect, Layer, Schema, Stream } from "effect"
import { spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as SharpImages from "../src/layers/SharpImages.ts"
import * as WorkerFeed from "../src/layers/WorkerFeed.ts"
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
    rounds: { type: "string", default: "3" },
    /** Of a training step that blocks the thread, in milliseconds. */
    step: { type: "string", default: "300" },
    plain: { type: "boolean", default: false },
    peer: { type: "string" },
    script: { type: "string", default: "../shared/peers/input_pipeline.py" }
  }
})

const folder = values.data ?? ""
const size = Number(values.size)
const samples = readdirSync(folder)
  .sort()
  .slice(0, Number(values.limit))
  .map((file, i) => ({ id: file, label: 0, path: join(folder, file), digest: "", line: i + 2 }))
const epochOf = (epoch: number) =>
  batches({
    samples,
    order: undefined,
    batchSize: Number(values.batch),
    image: Schema.decodeSync(ImageConfig)({ height: size, width: size }),
    augment: Schema.decodeSync(AugmentConfig)({ flip: 0.5, rotation: 10 }),
    loader: Schema.decodeSync(LoaderConfig)({ workers: Number(values.workers), memory: Number(values.memory) }),
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

const peer = (): number | undefined => {
  if (values.peer === undefined) return undefined
  const args = [values.script, "--data", folder, "--size", values.size, "--workers", values.workers]
  const { stdout } = spawnSync(values.peer, [...args, "--batch", values.batch, "--limit", values.limit], {
    encoding: "utf8"
  })
  const found: { imagesPerSecond: number } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}")
  return found.imagesPerSecond
}

const median = (numbers: ReadonlyArray<number>) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0
const round = (n: number, digits = 0) => Math.round(n * 10 ** digits) / 10 ** digits

const rounds: Array<Record<string, number>> = []
for (let i = 0; i < Number(values.rounds); i++) {
  const ours = Effect.gen(function* () {
    const first = yield* rate(0)
    const second = yield* rate(1)
    const third = yield* rate(2)
    const wait = yield* waiting(12, Number(values.step))
    return {
      first: first.perSecond,
      firstCpu: first.cpu,
      next: third.perSecond,
      nextCpu: third.cpu,
      second: second.perSecond,
      wait
    }
  })
  const theirs = peer()
  const figures = await Effect.runPromise(ours.pipe(Effect.provide(feed)))
  const plain = values.plain ? await Effect.runPromise(rate(0).pipe(Effect.provide(stages))) : undefined
  rounds.push({ ...figures, ...(plain && { plain: plain.perSecond }), ...(theirs !== undefined && { theirs }) })
  console.error(JSON.stringify(rounds.at(-1)))
}
const of = (key: string) => median(rounds.map((figures) => figures[key] ?? 0))
const ratio = (key: string) =>
  round(median(rounds.map((figures) => (figures[key] ?? 0) / (figures["theirs"] ?? Infinity))), 2)
console.log(
  JSON.stringify({
    bench: "feed",
    size,
    batch: Number(values.batch),
    workers: Number(values.workers),
    images: samples.length,
    firstEpoch: round(of("first")),
    laterEpochs: round(of("next")),
    cpuMsPerImage: [round(of("firstCpu"), 3), round(of("nextCpu"), 3)],
    waitingBehindSteps: round(of("wait"), 3),
    ...(values.plain && { imageByImage: round(of("plain")) }),
    ...(values.peer !== undefined && {
      torchvision: round(of("theirs")),
      ratioFirst: ratio("first"),
      ratioLater: ratio("next")
    })
  })
)
