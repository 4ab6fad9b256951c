import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schedule, Schema, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import sharp from "sharp"
import type { Sharp } from "sharp"
import { afterAll, beforeAll } from "vitest"
import * as SharpImages from "../../../../src/layers/images/SharpImages.ts"
import { layerWith } from "../../../../src/layers/images/feed/WorkerFeed.ts"
import { Augment } from "../../../../src/pipeline/Augment.ts"
import { AugmentConfig } from "../../../../src/pipeline/AugmentConfig.ts"
import type { Batch } from "../../../../src/pipeline/Batch.ts"
import { batches, batchesOfFiles, batchForms } from "../../../../src/pipeline/batches.ts"
import type { BatchesOptions } from "../../../../src/pipeline/batches.ts"
import { draw } from "../../../../src/pipeline/draw.ts"
import { Feed } from "../../../../src/pipeline/Feed.ts"
import { ImageBytes } from "../../../../src/pipeline/ImageBytes.ts"
import { ImageConfig } from "../../../../src/pipeline/ImageConfig.ts"
import { formatOf } from "../../../../src/pipeline/imageFormat.ts"
import { LoaderConfig } from "../../../../src/pipeline/LoaderConfig.ts"
import { ResizeKernel } from "../../../../src/pipeline/resizeKernel.ts"
import { imagePaths, refusedOf } from "../../../imagePaths.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-feed-"))
afterAll(() => rmSync(folder, { recursive: true }))

const picture = (width: number, height: number, key: string) => {
  const { below } = draw(key)
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 3 + below(40)) % 256)
  return sharp(data, { raw: { width, height, channels: 3 } })
}

/** Files of all kinds: those that are decoded here, those that sharp decodes, smaller and larger than what is wanted. */
const kinds: ReadonlyArray<(key: string) => Sharp> = [
  (key) => picture(30, 40, key).jpeg(),
  (key) => picture(41, 20, key).jpeg({ chromaSubsampling: "4:4:4" }),
  (key) => picture(20, 31, key).toColourspace("b-w").jpeg(),
  (key) => picture(30, 40, key).jpeg({ progressive: true }),
  (key) => picture(90, 20, key).jpeg(),
  (key) => picture(25, 35, key).png(),
  (key) => picture(25, 35, key).ensureAlpha(0.4).png(),
  (key) => picture(100, 120, key).webp(),
  (key) => picture(30, 40, key).withMetadata({ orientation: 6 }).jpeg()
]
const paths = Array.from({ length: 31 }, (_, i) => join(folder, `${i}.img`))
beforeAll(async () => {
  for (const [i, path] of paths.entries()) writeFileSync(path, await kinds[i % kinds.length]!(`${i}`).toBuffer())
})

const digestOf = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex")

/** The files as they are now. */
const samplesNow = () =>
  paths.map((path, i) => ({ id: `id${i}`, label: i % 5, path, digest: digestOf(path), within: [folder], line: i + 2 }))

const options = (change: Partial<BatchesOptions> = {}): BatchesOptions => ({
  samples: change.samples ?? samplesNow(),
  order: Uint32Array.from({ length: paths.length }, (_, i) => (i * 7 + 3) % paths.length),
  batchSize: 5,
  image: Schema.decodeSync(ImageConfig)({ height: 48, width: 43, mean: [0.4, 0.5, 0.6], background: [9, 99, 199] }),
  augment: Schema.decodeSync(AugmentConfig)({ flip: 0.5, rotation: 15 }),
  loader: Schema.decodeSync(LoaderConfig)({}),
  seed: 4,
  epoch: 0,
  from: 0,
  ...change
})

const stages = Layer.merge(SharpImages.layer, Augment.layer)
const collect = (change: Partial<BatchesOptions> = {}) =>
  Effect.map(Stream.runCollect(batches(options(change))), (all) =>
    all.map(({ height, ids, images, index, labels, size, width }): Batch => ({
      height,
      ids,
      images,
      index,
      labels,
      size,
      width
    }))
  )
/** What the stages themselves give, without a feed. */
const imageByImage = Effect.provideService(Feed, undefined)
const fed = (threads: number) => layerWith(threads).pipe(Layer.provideMerge(stages))

const augmentation = Schema.decodeSync(AugmentConfig)
const changes = {
  "as they are": undefined,
  flipped: augmentation({ flip: 0.5 }),
  moved: augmentation({ flip: 0.5, rotation: 15, crop: 0.3 }),
  coloured: augmentation({ rotation: 5, brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.1, noise: 0.05 }),
  trivial: augmentation({ trivial: 1, erasing: {} }),
  "moved and trivial": augmentation({ flip: 0.5, trivial: 1, hue: 0.1 })
}
const keepNothing = Schema.decodeSync(LoaderConfig)({ memory: 0, prefetch: 4, workers: 3 })

describe("the feed of threads", () => {
  for (const threads of [1, 2, 3])
    it.effect(`gives the bytes of sharp and the augmentation, in every epoch, with ${threads} threads`, () =>
      Effect.gen(function* () {
        for (const [name, augment] of Object.entries(changes))
          for (const epoch of [0, 1]) {
            const expected = yield* imageByImage(collect({ augment, epoch }))
            assert.deepStrictEqual(yield* collect({ augment, epoch }), expected, `${name}, epoch ${epoch}`)
          }
      }).pipe(Effect.provide(fed(threads)))
    )
  it.effect("does so for samples that come again in their epoch, each time with other random changes", () =>
    Effect.gen(function* () {
      const [first, second] = samplesNow()
      const samples = [first!, second!, { ...first!, repeat: 1 }, { ...first!, repeat: 2 }]
      for (const name of ["moved", "coloured", "trivial"] as const) {
        const change = { samples, order: undefined, augment: changes[name] }
        const expected = yield* imageByImage(collect(change))
        assert.deepStrictEqual(yield* collect(change), expected, name)
        const area = 48 * 43 * 3
        const pictures = [0, 2, 3].map((i) => String(expected[0]?.images.subarray(i * area, (i + 1) * area)))
        assert.strictEqual(new Set(pictures).size, 3, name)
      }
    }).pipe(Effect.provide(fed(2)))
  )
  it.effect("does so for every fit, and without memory to keep images", () =>
    Effect.gen(function* () {
      for (const fit of ["fill", "cover", "contain"] as const) {
        const change = {
          image: { ...options().image, fit },
          loader: keepNothing
        }
        const expected = yield* imageByImage(collect(change))
        for (let n = 0; n < 2; n++) assert.deepStrictEqual(yield* collect(change), expected, fit)
      }
    }).pipe(Effect.provide(fed(2)))
  )
  it.effect("does so for every kernel, one after the other", () =>
    Effect.gen(function* () {
      const found = new Set<string>()
      for (const kernel of [undefined, ...ResizeKernel.literals, undefined]) {
        // Smaller than most files are: where one enlarges, `lanczos3` is `cubic`.
        const change = { image: { ...options().image, height: 24, width: 22, ...(kernel && { kernel }) } }
        const expected = yield* imageByImage(collect(change))
        assert.deepStrictEqual(yield* collect(change), expected, kernel)
        found.add(String(expected.map(({ images }) => [...images])))
      }
      assert.strictEqual(found.size, ResizeKernel.literals.length)
    }).pipe(Effect.provide(fed(2)))
  )
  it.effect("gives the same bytes from a folder of decoded images, and decodes into it once", () =>
    Effect.gen(function* () {
      const cache = yield* temporaryFolder
      const change = { loader: { ...keepNothing, cache } }
      const expected = yield* imageByImage(collect()).pipe(Effect.provide(fed(1)))
      const sizes = () => readdirSync(cache).map((name) => `${name} ${statSync(join(cache, name)).size}`)
      const seen: Array<ReadonlyArray<string>> = []
      for (const threads of [1, 3, 2]) {
        assert.deepStrictEqual(
          yield* collect(change).pipe(Effect.provide(fed(threads))),
          expected,
          `${threads} threads`
        )
        seen.push(sizes())
      }
      // 31 images; those that sharp decodes have the size that is wanted.
      assert.isAbove(seen[0]!.length, 0)
      assert.deepStrictEqual(seen.slice(1), [seen[0]!, seen[0]!])
      // A changed file has another content; what was decoded of the old one stays, and is not looked at.
      const path = paths[9]!
      const before = readFileSync(path)
      writeFileSync(path, yield* Effect.promise(() => picture(30, 40, "changed").jpeg().toBuffer()))
      const changed = yield* collect(change).pipe(Effect.provide(fed(2)))
      assert.notDeepEqual(changed, expected)
      assert.deepStrictEqual(changed, yield* imageByImage(collect()).pipe(Effect.provide(fed(1))))
      writeFileSync(path, before)
    })
  )
  it.effect("begins anywhere in an epoch, and takes memory back while it goes on", () =>
    Effect.gen(function* () {
      const whole = yield* imageByImage(collect({ epoch: 3 }))
      assert.deepStrictEqual(yield* collect({ epoch: 3, from: 4 }), whole.slice(4))
      const images: Array<Array<number>> = []
      yield* Stream.runForEach(batches(options({ epoch: 3 })), (batch) =>
        Effect.sync(() => {
          images.push([...batch.images])
          batch.release?.()
        })
      )
      assert.deepStrictEqual(
        images,
        whole.map((batch) => [...batch.images])
      )
    }).pipe(Effect.provide(fed(2)))
  )
  it.effect("takes up a file that has changed, even one of the same size and time", () =>
    Effect.gen(function* () {
      const path = paths[0]!
      const one = { order: undefined, augment: undefined, batchSize: 31 }
      const checked = samplesNow()
      const before = yield* collect(one)
      assert.deepStrictEqual(yield* collect(one), before)
      const { atime, mtime, size } = statSync(path)
      const bytes = yield* Effect.promise(() => picture(30, 40, "another").jpeg().toBuffer())
      // Bytes after the end of the picture are of no account.
      writeFileSync(path, bytes.length < size ? Buffer.concat([bytes, Buffer.alloc(size - bytes.length)]) : bytes)
      utimesSync(path, atime, mtime)
      const after = yield* collect(one)
      assert.notDeepEqual(after[0]?.images, before[0]?.images)
      assert.deepStrictEqual(after, yield* imageByImage(collect(one)))
      const reasonOf = (samples: typeof checked) =>
        Effect.map(Effect.flip(collect({ ...one, samples })), (error) => error._tag === "ImageRefused" && error.reason)
      // It is kept as it is now, and that is not what was checked.
      assert.strictEqual(yield* reasonOf(checked), "imageChanged")
      assert.strictEqual(yield* imageByImage(reasonOf(checked)), "imageChanged")
      const now = samplesNow()
      rmSync(path)
      assert.strictEqual(yield* reasonOf(now), "imageMissing")
      writeFileSync(path, bytes)
    }).pipe(Effect.provide(fed(2)))
  )
  it.effect("makes one batch in several forms, with the stages' own bytes, and their memory is used again", () =>
    Effect.gen(function* () {
      const { image, ...rest } = options({ augment: undefined })
      const images = [image, Schema.decodeSync(ImageConfig)({ height: 21, width: 60, fit: "contain" }), image]
      const all = batchForms({ ...rest, images }).pipe(
        Stream.map((forms) =>
          forms.map(({ height, images, release, width }) => {
            const copy = { height, width, images: images.slice() }
            release?.()
            return copy
          })
        ),
        Stream.runCollect
      )
      const got = yield* all
      assert.deepStrictEqual(
        got[0]?.map(({ height, width }) => [height, width]),
        [
          [48, 43],
          [21, 60],
          [48, 43]
        ]
      )
      assert.deepStrictEqual(got, yield* imageByImage(all))
    }).pipe(Effect.provide(fed(3)))
  )
  it.effect("refuses the files that sharp's stage refuses, for the same reasons", () =>
    Effect.gen(function* () {
      const cut = join(folder, "cut.jpg")
      const whole = yield* Effect.promise(() => picture(30, 40, "cut").jpeg().toBuffer())
      writeFileSync(cut, whole.subarray(0, 700))
      writeFileSync(join(folder, "text.jpg"), "no image")
      const files = [cut, paths[1]!, join(folder, "text.jpg"), join(folder, "none.jpg"), "a\0b.jpg", paths[2]!]
      const { image, loader } = options()
      const all = Stream.runCollect(batchesOfFiles({ paths: imagePaths(files), batchSize: 8, images: [image], loader }))
      const [got] = yield* all
      const [expected] = yield* imageByImage(all)
      assert.deepStrictEqual(refusedOf(got), refusedOf(expected))
      assert.strictEqual(refusedOf(got).length, 4)
      assert.deepStrictEqual(got?.forms[0]?.images, expected?.forms[0]?.images)
    }).pipe(Effect.provide(fed(1)))
  )
  it.effect("of many broken files each has its own reason, the same ones with any number of threads", () =>
    Effect.gen(function* () {
      const broken = yield* temporaryFolder
      const files: Array<string> = []
      for (let i = 0; i < 24; i++) {
        const bytes = yield* Effect.promise(() => kinds[i % kinds.length]!(`broken ${i}`).toBuffer())
        const path = join(broken, `${i}.img`)
        writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length * (0.3 + 0.02 * i))))
        files.push(path, paths[i]!)
      }
      const { image, loader } = options()
      const all = Stream.runCollect(
        batchesOfFiles({
          paths: imagePaths(files),
          batchSize: 16,
          images: [image],
          loader: { ...loader, concurrency: 32 }
        })
      )
      const reasons = Effect.map(all, (found) => found.flatMap((batch) => refusedOf(batch)))
      const expected = yield* imageByImage(reasons).pipe(Effect.provide(fed(1)))
      assert.strictEqual(expected.length, 24)
      for (const { detail, path } of expected) {
        const format = formatOf(readFileSync(path))
        // No file is said to have the fault of another format's.
        const foreign = ["jpeg", "png", "webp", "heif", "gif", "tiff"].filter((name) => name !== format)
        assert.isFalse(
          foreign.some((name) => detail.toLowerCase().includes(name)),
          `${path}: ${detail}`
        )
      }
      for (const threads of [1, 2, 3])
        assert.deepStrictEqual(yield* reasons.pipe(Effect.provide(fed(threads))), expected)
    })
  )
  it.effect.skipIf(process.platform === "win32")("refuses a FIFO and a device at once, as the stage does", () =>
    Effect.gen(function* () {
      const fifo = join(yield* temporaryFolder, "fifo.jpg")
      execFileSync("mkfifo", [fifo])
      const { image, loader } = options()
      const files = [fifo, paths[1]!, "/dev/zero"]
      const all = Stream.runCollect(batchesOfFiles({ paths: imagePaths(files), batchSize: 8, images: [image], loader }))
      const [got] = yield* all
      const [expected] = yield* imageByImage(all)
      assert.deepStrictEqual(refusedOf(got), refusedOf(expected))
      assert.deepStrictEqual(
        refusedOf(got).map(({ detail }) => detail),
        ["it is a named pipe, not a file", "it is a device, not a file"]
      )
    }).pipe(Effect.provide(fed(1)))
  )
  it.effect("takes bytes from an ImageBytes of one's own, which no thread can read", () =>
    Effect.gen(function* () {
      const expected = yield* imageByImage(collect()).pipe(Effect.provide(fed(1)))
      const files = new Map(paths.map((path) => [`archive/${path}`, new Uint8Array(readFileSync(path))]))
      const own = Layer.merge(
        SharpImages.layerFromBytes.pipe(Layer.provide(ImageBytes.layerMemory(files))),
        Augment.layer
      )
      const samples = options().samples.map((sample) => ({ ...sample, path: `archive/${sample.path}` }))
      const withOwn = Effect.provide(layerWith(2).pipe(Layer.provideMerge(own)))
      const cache = yield* temporaryFolder
      for (const change of [{}, { loader: { ...keepNothing, cache } }])
        for (let n = 0; n < 2; n++)
          assert.deepStrictEqual(yield* collect({ ...change, samples }).pipe(withOwn), expected)
      assert.isAbove(readdirSync(cache).length, 0)
      const lost = samples.map((sample, i) => (i === 3 ? { ...sample, path: "archive/none" } : sample))
      const error = yield* Effect.flip(collect({ samples: lost }).pipe(withOwn))
      assert.strictEqual(error._tag === "ImageRefused" && error.reason, "imageMissing")
      const other = samples.map((sample, i) => (i === 3 ? { ...sample, digest: samples[4]!.digest } : sample))
      const reason = Effect.map(
        Effect.flip(collect({ samples: other })),
        (error) => error._tag === "ImageRefused" && [error.reason, error.path]
      )
      const changed = ["imageChanged", samples[3]!.path]
      assert.deepStrictEqual(yield* reason.pipe(withOwn), changed)
      assert.deepStrictEqual(yield* imageByImage(reason).pipe(withOwn), changed)
    })
  )
  it.effect("asks an ImageBytes of one's own for files inside the samples' folders", () =>
    Effect.gen(function* () {
      const asked = new Set<string>()
      const own = Layer.succeed(ImageBytes, {
        isOnDisk: () => false,
        read: (path, _most, within) =>
          Effect.sync(() => {
            asked.add(`${within?.join()}`)
            return new Uint8Array(readFileSync(path))
          })
      })
      const withOwn = Effect.provide(
        layerWith(1).pipe(
          Layer.provideMerge(Layer.merge(SharpImages.layerFromBytes.pipe(Layer.provide(own)), Augment.layer))
        )
      )
      const fedByThreads = yield* collect().pipe(withOwn)
      assert.deepStrictEqual([...asked], [folder])
      asked.clear()
      assert.deepStrictEqual(yield* imageByImage(collect()).pipe(withOwn), fedByThreads)
      assert.deepStrictEqual([...asked], [folder])
    })
  )
  it.effect("refuses changed bytes and empty files by the stage's reasons, with a store or without", () =>
    Effect.gen(function* () {
      const lost = yield* temporaryFolder
      const [whole, other] = [readFileSync(paths[0]!), readFileSync(paths[1]!)]
      const contents = {
        emptied: new Uint8Array(0),
        cut: whole.subarray(0, 100),
        swapped: other,
        text: Buffer.from("?")
      }
      const digest = digestOf(paths[0]!)
      const samples = Object.entries(contents).map(([id, content], i) => {
        const path = join(lost, id)
        writeFileSync(path, content)
        return { id, label: 0, path, digest, within: [lost], line: i + 2 }
      })
      const cache = yield* temporaryFolder
      for (const sample of samples)
        for (const loader of [keepNothing, { ...keepNothing, cache }]) {
          const one = { samples: [sample], order: undefined, loader }
          const why = Effect.map(
            Effect.flip(collect(one)),
            (error) => error._tag === "ImageRefused" && [error.reason, error.path, error.detail]
          )
          const found = yield* why
          assert.deepStrictEqual(found, yield* imageByImage(why))
          assert.strictEqual(found && found[0], sample.id === "emptied" ? "imageEmpty" : "imageChanged", sample.id)
        }
    }).pipe(Effect.provide(fed(1)))
  )
  it.live("makes batches while the thread is blocked, and ends when it is interrupted", () =>
    Effect.gen(function* () {
      const files = yield* temporaryFolder
      const cache = yield* temporaryFolder
      const jpeg = readFileSync(paths[0]!)
      // The same picture each time, and bytes after its end: to the cache no two are one file.
      const samples = Array.from({ length: 400 }, (_, i) => {
        const path = join(files, `${i}.jpg`)
        writeFileSync(path, Buffer.concat([jpeg, Buffer.from(`${i}`)]))
        return { id: `${i}`, label: 0, path, digest: digestOf(path), line: i + 2 }
      })
      /** What the threads have written to the cache: it can be seen without a turn of this thread's event loop. */
      const stored = () =>
        readdirSync(cache, { recursive: true, encoding: "utf8" })
          .filter((name) => name.endsWith(".pack"))
          .reduce((sum, name) => sum + statSync(join(cache, name)).size, 0)
      let taken = 0
      let isSeen = false
      const run = batches(
        options({ samples, order: undefined, augment: undefined, batchSize: 4, loader: { ...keepNothing, cache } })
      ).pipe(
        Stream.runForEach(() =>
          Effect.suspend(() => {
            taken++
            // The threads may have finished all that they were asked for before this thread looks: then the next batch
            // tells. A feed that needs this thread writes nothing here, however long it waits.
            const before = stored()
            const start = performance.now()
            while (!isSeen && performance.now() - start < 500) isSeen = stored() > before
            return isSeen || taken === 40 ? Effect.never : Effect.void
          })
        ),
        Effect.provide(fed(2))
      )
      const fiber = yield* Effect.forkChild(run)
      yield* Effect.sync(() => isSeen || taken >= 40).pipe(
        Effect.repeat({ until: (ended) => ended, schedule: Schedule.spaced("20 millis") })
      )
      yield* Fiber.interrupt(fiber)
      assert.isTrue(isSeen, `nothing was decoded while the thread was blocked, before any of ${taken} batches`)
    })
  )
})
