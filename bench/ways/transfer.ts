/**
 * How a thread hands a batch over: in shared memory that is used again, or in a new buffer that is transferred. Images
 * per second and processor time of an epoch whose images are decoded already; prints one JSON line:
 *   node bench/ways/transfer.ts --data FOLDER --buffers transferred
 */
import { Console, Effect, Schema } from "effect"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Worker } from "node:worker_threads"
import type { Chunk, Kept, Reply } from "../../src/layers/feed/messages.ts"
import { AugmentConfig } from "../../src/pipeline/AugmentConfig.ts"
import { ImageConfig } from "../../src/pipeline/ImageConfig.ts"
import type { TransferRequest } from "./transferThread.ts"

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/datasets/fashion-product-images-small/images" },
    buffers: { type: "string", default: "shared" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "64" },
    limit: { type: "string", default: "2048" },
    workers: { type: "string", default: "2" }
  }
})

const size = Number(values.size)
const batch = Number(values.batch)
const image = Schema.decodeSync(ImageConfig)({ height: size, width: size })
const augment = Schema.decodeSync(AugmentConfig)({ flip: 0.5, rotation: 10 })
const slots = readdirSync(values.data)
  .sort()
  .slice(0, Number(values.limit))
  .map((id) => ({ id, path: join(values.data, id) }))

interface Answer {
  readonly reply: Reply
  readonly buffer: ArrayBuffer | SharedArrayBuffer
}

const workers = Array.from({ length: Number(values.workers) }, (_, thread) => ({
  // Each keeps what it has decoded, and is given the same batches in every epoch.
  worker: new Worker(new URL("./transferThread.ts", import.meta.url), { workerData: { thread }, execArgv: [] }),
  kept: new Map<number, Kept>(),
  chunks: [] as ReadonlyArray<Chunk>,
  spare: Array.from({ length: 2 }, () => new SharedArrayBuffer(batch * size * size * 12))
}))

/** A batch by a worker: its images are looked at once, as an engine that copies them would. */
const ask = (of: (typeof workers)[number], index: number, epoch: number) =>
  Effect.callback<number>((resume) => {
    const mine = slots.slice(index * batch, (index + 1) * batch)
    of.worker.once("message", ({ buffer, reply }: Answer) => {
      if ("kept" in reply) {
        for (const [slot, kept] of reply.kept) of.kept.set(index * batch + slot, kept)
        of.chunks = reply.chunks
      }
      if (buffer instanceof SharedArrayBuffer) of.spare.push(buffer)
      resume(Effect.succeed(new Float32Array(buffer).length))
    })
    const buffer = values.buffers === "shared" ? of.spare.pop() : undefined
    const request: TransferRequest = {
      ticket: index,
      work: { slots: mine, image, augment, seed: 1, epoch },
      kept: mine.map((_, i) => of.kept.get(index * batch + i)),
      read: undefined,
      chunks: [],
      room: 2 ** 29,
      store: undefined,
      bytes: batch * size * size * 12,
      ...(buffer && { buffer })
    }
    of.worker.postMessage(request, [])
  })

const epochOf = Effect.fnUntraced(function* (epoch: number) {
  const start = performance.now()
  const before = process.cpuUsage()
  yield* Effect.forEach(
    workers.entries(),
    ([first, of]) =>
      Effect.gen(function* () {
        for (let index = first; index * batch < slots.length; index += workers.length) yield* ask(of, index, epoch)
      }),
    { concurrency: "unbounded", discard: true }
  )
  const { system, user } = process.cpuUsage(before)
  return {
    imagesPerSecond: (slots.length / (performance.now() - start)) * 1000,
    cpuMsPerImage: (system + user) / 1000 / slots.length
  }
})

const main = Effect.gen(function* () {
  yield* epochOf(0)
  yield* epochOf(1)
  yield* Console.log(JSON.stringify({ bench: "transfer", buffers: values.buffers, ...(yield* epochOf(2)) }))
}).pipe(Effect.ensuring(Effect.promise(() => Promise.all(workers.map(({ worker }) => worker.terminate())))))

await Effect.runPromise(main)
