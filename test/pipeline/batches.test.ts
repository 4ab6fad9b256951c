import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Result, Schema, Stream } from "effect"
import { Augment, augmentKey } from "../../src/pipeline/Augment.ts"
import { AugmentConfig } from "../../src/pipeline/AugmentConfig.ts"
import { augmentPixels } from "../../src/pipeline/augmentations.ts"
import { batches, batchesOfFiles, batchForms } from "../../src/pipeline/batches.ts"
import type { BatchesOptions } from "../../src/pipeline/batches.ts"
import { draw } from "../../src/pipeline/draw.ts"
import { withKey } from "../../src/pipeline/withKey.ts"
import { Feed } from "../../src/pipeline/Feed.ts"
import type { FeedWork } from "../../src/pipeline/Feed.ts"
import { ImageConfig } from "../../src/pipeline/ImageConfig.ts"
import { ImageRefused, Images } from "../../src/pipeline/Images.ts"
import { normaliseInto, scaleOf } from "../../src/pipeline/normalise.ts"
import type { Pixels } from "../../src/pipeline/Pixels.ts"
import { lossesOf } from "../losses.ts"
import { imagePaths, refusedOf } from "../imagePaths.ts"

const image = Schema.decodeSync(ImageConfig)({ height: 8, width: 11, mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4] })
const changes = Schema.decodeSync(AugmentConfig)({ flip: 0.5, rotation: 15, brightness: 0.3, noise: 0.1 })

const pixelsOf = (i: number): Pixels => ({
  height: 8,
  width: 11,
  data: Uint8Array.from({ length: 264 }, (_, j) => (i * 53 + j * 7) % 256)
})
const samples = Array.from({ length: 23 }, (_, i) => ({
  id: `id${i}`,
  label: i % 5,
  path: `${i}.jpg`,
  digest: "",
  line: i + 2
}))
const files = new Map(samples.map((sample, i) => [sample.path, pixelsOf(i)]))
const order = Uint32Array.from({ length: 23 }, (_, i) => (i * 7 + 3) % 23)

const options: BatchesOptions = {
  samples,
  order,
  batchSize: 5,
  image,
  augment: changes,
  loader: { concurrency: 8, prefetch: 2, memory: 0 },
  seed: 4,
  epoch: 1,
  from: 0
}

/** Images that come in after a random number of turns of the scheduler; counts how many are in flight. */
const shuffled = (delays: string, gone: ReadonlySet<string> = new Set()) => {
  const seen = { now: 0, most: 0, started: 0, finished: [] as Array<string> }
  const layer = Layer.succeed(Images, {
    load: (path) =>
      Effect.gen(function* () {
        seen.started += 1
        seen.now += 1
        seen.most = Math.max(seen.most, seen.now)
        for (let turns = draw(delays, path).below(9); turns > 0; turns--) yield* Effect.yieldNow
        seen.now -= 1
        seen.finished.push(path)
        const pixels = files.get(path)
        return pixels === undefined || gone.has(path)
          ? yield* new ImageRefused({ path, reason: "imageMissing", detail: "there is no such file" })
          : pixels
      }),
    check: () => Effect.die("not used here")
  })
  return { seen, layer: Layer.merge(layer, Augment.layer) }
}

const collect = (change: Partial<BatchesOptions>, layer: Layer.Layer<Images | Augment>) =>
  Stream.runCollect(batches({ ...options, ...change })).pipe(Effect.provide(layer))

const plain = Layer.merge(Images.layerMemory(files), Augment.layer)

describe("batches", () => {
  it.effect("hold each sample once, in order, augmented and normalised; the last one is short", () =>
    Effect.gen(function* () {
      const all = yield* collect({}, plain)
      assert.deepStrictEqual(
        all.map((batch) => [batch.index, batch.size, batch.ids.length, batch.labels.length, batch.images.length / 264]),
        [0, 1, 2, 3, 4].map((i) => [i, ...Array.from({ length: 4 }, () => (i === 4 ? 3 : 5))])
      )
      const expected = new Float32Array(23 * 264)
      for (const [position, index] of order.entries()) {
        const at = { seed: 4, epoch: 1, id: `id${index}` }
        const pixels = augmentPixels(pixelsOf(index), changes, at, image.background)
        normaliseInto(expected, position * 264, pixels.data, scaleOf(image))
      }
      assert.deepStrictEqual(
        all.flatMap((batch) => [...batch.images]),
        [...expected]
      )
      assert.deepStrictEqual(
        all.flatMap((batch) => batch.ids),
        Array.from(order, (i) => `id${i}`)
      )
      assert.deepStrictEqual(
        all.flatMap((batch) => [...batch.labels]),
        Array.from(order, (i) => i % 5)
      )
    })
  )
  it.effect("without an order and without augmentation are the images as they are", () =>
    Effect.gen(function* () {
      const [first] = yield* collect({ order: undefined, augment: undefined, batchSize: 23 }, plain)
      const expected = new Float32Array(23 * 264)
      for (let i = 0; i < 23; i++) normaliseInto(expected, i * 264, pixelsOf(i).data, scaleOf(image))
      assert.deepStrictEqual(first?.images, expected)
    })
  )
  const Loader = Schema.Struct({
    prefetch: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
    batchSize: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 24 })),
    delays: Schema.String
  })
  it.effect.prop(
    "have the same bytes for 1, 2 and 8 loaders and any order of completion",
    [Loader],
    ([{ batchSize, delays, prefetch }]) =>
      Effect.gen(function* () {
        const expected = yield* collect({ batchSize }, plain)
        for (const concurrency of [1, 2, 8]) {
          const { layer, seen } = shuffled(delays)
          const got = yield* collect({ batchSize, loader: { concurrency, prefetch, memory: 0 } }, layer)
          assert.deepStrictEqual(got, expected)
          assert.isAtMost(seen.most, concurrency)
          assert.strictEqual(seen.started, 23)
        }
      }),
    { arbitrary: { runs: 25 } }
  )
  it.effect("have the same bytes for 1, 2 and 8 loaders where they are mixed, and from any position on", () =>
    Effect.gen(function* () {
      const mixing = { augment: { ...changes, mixup: 0.4, cutmix: 1, mixSwitch: 0.5 } }
      const expected = yield* collect(mixing, plain)
      const unmixed = yield* collect({}, plain)
      for (const [i, { images, labels, mix: mixed }] of expected.entries()) {
        assert.deepStrictEqual(labels, unmixed[i]!.labels)
        assert.deepStrictEqual([...mixed!.partners], [labels.length - 1, ...labels.subarray(1).keys()])
        assert.notDeepEqual(images, unmixed[i]!.images)
      }
      for (const concurrency of [1, 2, 8])
        for (const delays of ["p", "q", "r"]) {
          const loader = { concurrency, prefetch: 3, memory: 0 }
          assert.deepStrictEqual(yield* collect({ ...mixing, loader }, shuffled(delays).layer), expected)
        }
      assert.deepStrictEqual(yield* collect({ ...mixing, from: 2 }, plain), expected.slice(2))
      const other = yield* collect({ ...mixing, epoch: 2 }, plain)
      assert.notDeepEqual(
        other.map(({ mix }) => mix?.shares[0]),
        expected.map(({ mix }) => mix?.shares[0])
      )
    })
  )
  it.effect("do come in out of order in that property, across the borders of batches", () =>
    Effect.gen(function* () {
      const { layer, seen } = shuffled("x")
      yield* collect({}, layer)
      assert.notDeepEqual(
        seen.finished,
        Array.from(order, (i) => `${i}.jpg`)
      )
      assert.strictEqual(seen.most, 8)
    })
  )
  it.effect("begin at a position and are then what they are in the whole epoch", () =>
    Effect.gen(function* () {
      const whole = yield* collect({}, plain)
      for (const from of [0, 1, 4, 5, 9]) assert.deepStrictEqual(yield* collect({ from }, plain), whole.slice(from))
    })
  )
  it.effect("are made no further ahead than configured", () =>
    Effect.gen(function* () {
      const { layer, seen } = shuffled("y")
      const many = Array.from({ length: 200 }, (_, i) => ({
        ...samples[i % 23],
        id: `${i}`,
        label: 0,
        path: "1.jpg",
        digest: "",
        line: i
      }))
      const taken = yield* Effect.forkChild(
        batches({
          ...options,
          samples: many,
          order: undefined,
          loader: { concurrency: 8, prefetch: 2, memory: 0 }
        }).pipe(
          Stream.runForEach(() => Effect.never),
          Effect.provide(layer)
        )
      )
      for (let i = 0; i < 2000; i++) yield* Effect.yieldNow
      // One that is taken, two that are ready, one in the making, and one that waits to be handed over.
      assert.isAtMost(seen.started, 5 * 5)
      assert.isAtLeast(seen.started, 4 * 5)
      yield* Fiber.interrupt(taken)
      const { started } = seen
      for (let i = 0; i < 100; i++) yield* Effect.yieldNow
      assert.strictEqual(seen.started, started)
    })
  )
  it.effect("fail with the first file that is gone, in order, after the batches before it", () =>
    Effect.gen(function* () {
      // In the third batch: positions 10 and 12 of the order.
      const gone = new Set([`${order[10]}.jpg`, `${order[12]}.jpg`])
      for (const delays of ["a", "b", "c", "d", "e", "f"]) {
        const indices: Array<number> = []
        const result = yield* batches({ ...options, loader: { concurrency: 8, prefetch: 3, memory: 0 } }).pipe(
          Stream.runForEach((batch) => Effect.sync(() => void indices.push(batch.index))),
          Effect.result,
          Effect.provide(shuffled(delays, gone).layer)
        )
        assert.deepStrictEqual(indices, [0, 1])
        assert.isTrue(
          Result.isFailure(result) &&
            result.failure._tag === "ImageRefused" &&
            result.failure.path === `${order[10]}.jpg`
        )
      }
    })
  )
  it.effect("are what they were without samples that leave, but for the batches of these, which are smaller", () =>
    Effect.gen(function* () {
      const mixed = { ...changes, mixup: 0.4 }
      const expected = yield* collect({ augment: mixed }, plain)
      // One of the second batch, and the last batch whole; another one of the second left before, and is not looked at.
      const at = (position: number) => `id${order[position]}`
      const gone = new Set([6, 20, 21, 22].map((position) => `${order[position]}.jpg`))
      const before = { id: at(8), reason: "imageEmpty" as const, detail: "as it was" }
      for (const delays of ["a", "b", "c"]) {
        const losses = lossesOf({ train: samples })
        losses.restore([before])
        const { layer, seen } = shuffled(delays, gone)
        const got = yield* collect({ augment: mixed, losses }, layer)
        for (const i of [0, 2, 3]) assert.deepStrictEqual(got[i], expected[i])
        assert.deepStrictEqual(
          got.map(({ images, labels, size }) => [size, labels.length, images.length / 264]),
          [5, 3, 5, 5, 0].map((size) => [size, size, size])
        )
        assert.deepStrictEqual(got[1]?.ids, [at(5), at(7), at(9)])
        assert.deepStrictEqual(
          got[1]?.lost?.map(({ id, reason }) => [id, reason]),
          [
            [at(6), "imageMissing"],
            [at(8), "imageEmpty"]
          ]
        )
        assert.deepStrictEqual(
          got[4]?.lost?.map(({ id }) => id),
          [at(20), at(21), at(22)]
        )
        assert.notInclude(seen.finished, `${order[8]}.jpg`)
        assert.strictEqual(losses.faults(), 5)
        // From a position on, in a run that knows of them: the same again, whatever became of the files.
        const again = yield* collect({ augment: mixed, losses, from: 1 }, plain)
        assert.deepStrictEqual(again, got.slice(1))
      }
    })
  )
  it.effect("end where more samples leave than the budget allows, after the batches before", () =>
    Effect.gen(function* () {
      const gone = new Set([1, 6, 7].map((position) => `${order[position]}.jpg`))
      const losses = lossesOf({ train: samples }, 2 / samples.length)
      const indices: Array<number> = []
      const error = yield* batches({ ...options, losses }).pipe(
        Stream.runForEach(({ index }) => Effect.sync(() => void indices.push(index))),
        Effect.flip,
        Effect.provide(shuffled("a", gone).layer)
      )
      assert.deepStrictEqual(indices, [0])
      assert.strictEqual(error._tag === "DataUnusable" && error.reason, "tooManyRefused")
      assert.match(error.message, /at least 3 of the 23 listed rows .* photo not found 3\n/)
    })
  )
  it.effect("of no samples are none", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* collect({ samples: [], order: undefined }, plain), [])
    })
  )
})

describe("a feed", () => {
  /** A feed for these stages that fills a batch with its first slot's number, and refuses `7.jpg`. */
  const seen: Array<FeedWork> = []
  const fed = Layer.succeed(Feed, {
    images: "one kind",
    augment: augmentKey,
    serve: (work) =>
      Effect.sync(() => {
        seen.push(work)
        const filled = new Float32Array(work.slots.length * 264)
        for (const [i, { path }] of work.slots.entries()) filled.fill(parseInt(path), i * 264, (i + 1) * 264)
        const refused = work.slots.flatMap(({ path }, slot) =>
          path === "7.jpg"
            ? [{ slot, error: new ImageRefused({ path, reason: "imageEmpty", detail: "the file has no bytes" }) }]
            : []
        )
        return { images: filled, refused, release: () => {} }
      })
  })
  /** The stages of `plain`, with images of some key. */
  const keyed = (key: string) =>
    Layer.effect(
      Images,
      Effect.map(Images, (images) => withKey(images, key))
    ).pipe(Layer.provideMerge(plain))
  const layer = Layer.merge(fed, keyed("one kind"))

  it.effect("fills the batches where the stages have the keys that it names", () =>
    Effect.gen(function* () {
      const [first] = yield* Stream.runCollect(batches({ ...options, order: undefined, from: 3 }))
      assert.deepStrictEqual(
        first?.images.filter((_, i) => i % 264 === 0),
        Float32Array.of(15, 16, 17, 18, 19)
      )
      assert.isFunction(first?.release)
      const { image: seenImage, augment, seed, epoch } = seen[0] ?? {}
      assert.deepStrictEqual([seenImage, augment, seed, epoch], [image, changes, 4, 1])
    }).pipe(Effect.provide(layer))
  )
  it.effect("is passed by where a stage has another key or none, and by a changed copy of a stage", () =>
    Effect.gen(function* () {
      const collected = Stream.runCollect(batches(options))
      const expected = yield* Effect.provideService(collected, Feed, undefined)
      const copied = Layer.effect(
        Images,
        Effect.map(Images, (images) => ({ ...images }))
      ).pipe(Layer.provideMerge(layer))
      const augmented = Layer.effect(
        Augment,
        Effect.map(Augment, (augment) => ({ ...augment }))
      ).pipe(Layer.provideMerge(layer))
      for (const [i, own] of [copied, augmented, keyed("another kind"), plain].entries())
        assert.deepStrictEqual(yield* Effect.provide(collected, own), expected, `stage ${i}`)
      // The feed refuses an image that the stages take.
      const refused = yield* Effect.flip(Effect.provide(collected, keyed("one kind")))
      assert.strictEqual(refused._tag, "ImageRefused")
    }).pipe(Effect.provide(layer))
  )
  it.effect("reports what it refuses", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Stream.runDrain(batches({ ...options, order: undefined })))
      assert.strictEqual(error._tag, "ImageRefused")
      const paths = ["5.jpg", "7.jpg", "8.jpg"]
      const [only] = yield* Stream.runCollect(
        batchesOfFiles({ paths: imagePaths(paths), batchSize: 3, images: [image], loader: options.loader })
      )
      assert.deepStrictEqual(only?.forms[0]?.ids, ["5.jpg", "8.jpg"])
      assert.deepStrictEqual(
        [only?.forms[0]?.images[0], only?.forms[0]?.images[264], only?.forms[0]?.images.length],
        [5, 8, 528]
      )
      assert.deepStrictEqual(
        refusedOf(only).map(({ path }) => path),
        ["7.jpg"]
      )
    }).pipe(Effect.provide(layer))
  )
})

describe("batches in several forms", () => {
  const small = Schema.decodeSync(ImageConfig)({ height: 9, width: 8, mean: [0, 0, 0], std: [1, 1, 1], maxPixels: 5 })
  /** A file's number at every pixel of every form; those of `small` do not take the sixth, and none takes the seventh. */
  const sized = (taken: Array<string>) =>
    Layer.succeed(Images, {
      load: (path, { height, maxPixels, width }) =>
        Effect.gen(function* () {
          taken.push(`${path} ${height}`)
          const number = Number.parseInt(path)
          if (number === 7) return yield* new ImageRefused({ path, reason: "imageCorrupt", detail: `torn ${height}` })
          if (number > maxPixels) return yield* new ImageRefused({ path, reason: "imageTooLarge", detail: "too large" })
          return { height, width, data: new Uint8Array(height * width * 3).fill(number) }
        }),
      check: () => Effect.die("not used here")
    })

  it.effect("hold the same samples in the same order, each form at its size and its scale", () =>
    Effect.gen(function* () {
      const taken: Array<string> = []
      const all = yield* Stream.runCollect(
        batchForms({
          ...options,
          samples: samples.slice(1, 6),
          order: Uint32Array.of(4, 0, 2, 1, 3),
          augment: undefined,
          batchSize: 3,
          images: [image, small]
        })
      ).pipe(Effect.provide([sized(taken), Augment.layer]))
      assert.deepStrictEqual(
        all.map((forms) => forms.map(({ height, ids, labels, width }) => [height, width, [...ids], [...labels]])),
        [
          [8, 9].map((height) => [height, height === 8 ? 11 : 8, ["id5", "id1", "id3"], [0, 1, 3]]),
          [8, 9].map((height) => [height, height === 8 ? 11 : 8, ["id2", "id4"], [2, 4]])
        ]
      )
      const [, second] = all[0]!
      assert.deepStrictEqual(
        [0, 1, 2].map((i) => second?.images[i * 216]),
        [5, 1, 3].map((n) => Math.fround(n / 255))
      )
      assert.strictEqual(taken.length, 10)
    })
  )

  it.effect("give nowhere what one of them refuses, for the first form's reason", () =>
    Effect.gen(function* () {
      const files = batchesOfFiles({
        paths: imagePaths(["6.jpg", "4.jpg", "7.jpg", "2.jpg"]),
        batchSize: 4,
        images: [image, small],
        loader: options.loader
      })
      const [only] = yield* Stream.runCollect(files).pipe(Effect.provide(sized([])))
      assert.deepStrictEqual(
        only?.forms.map(({ ids, images, size }) => [[...ids], images.length, size]),
        [
          [["4.jpg", "2.jpg"], 528, 2],
          [["4.jpg", "2.jpg"], 432, 2]
        ]
      )
      assert.strictEqual(only?.forms[1]?.images[216], Math.fround(2 / 255))
      assert.deepStrictEqual(
        only?.files.map(({ refused }) => refused?.detail),
        ["too large", undefined, "torn 8", undefined]
      )
      const wanted = { ...options, samples: samples.slice(5, 9), order: undefined, augment: undefined }
      const error = yield* Stream.runDrain(batchForms({ ...wanted, images: [image, small] })).pipe(
        Effect.provide([sized([]), Augment.layer]),
        Effect.flip
      )
      assert.include(error, { reason: "imageTooLarge", path: "6.jpg" })
    })
  )
})

describe("batchesOfFiles", () => {
  it.effect("report refused files beside the batch, which closes the gaps", () =>
    Effect.gen(function* () {
      const paths = ["nope.jpg", "2.jpg", "3.jpg", "neither.jpg", "4.jpg", "gone.jpg", "lost.jpg", "away.jpg", "6.jpg"]
      const all = yield* Stream.runCollect(
        batchesOfFiles({
          paths: imagePaths(paths),
          batchSize: 5,
          images: [image],
          loader: { concurrency: 2, prefetch: 1, memory: 0 }
        })
      ).pipe(Effect.provide(shuffled("z").layer))
      assert.deepStrictEqual(
        all.map((one) => [one.forms[0]?.ids, refusedOf(one).map((error) => error.path)]),
        [
          [
            ["2.jpg", "3.jpg", "4.jpg"],
            ["nope.jpg", "neither.jpg"]
          ],
          [["6.jpg"], ["gone.jpg", "lost.jpg", "away.jpg"]]
        ]
      )
      assert.deepStrictEqual(
        all.flatMap(({ files }) => files.map(({ path, refused }) => [path, refused === undefined])),
        paths.map((path) => [path, /^\d/.test(path)])
      )
      const expected = new Float32Array(3 * 264)
      for (const [i, n] of [2, 3, 4].entries()) normaliseInto(expected, i * 264, pixelsOf(n).data, scaleOf(image))
      assert.deepStrictEqual(all[0]?.forms[0]?.images, expected)
      assert.deepStrictEqual(
        [all[0]?.forms[0]?.size, all[0]?.forms[0]?.labels.length, all[1]?.forms[0]?.size],
        [3, 3, 1]
      )
    })
  )
  it.effect("give an empty batch where every file was refused", () =>
    Effect.gen(function* () {
      const [only] = yield* Stream.runCollect(
        batchesOfFiles({ paths: imagePaths(["a", "b"]), batchSize: 5, images: [image], loader: options.loader })
      ).pipe(Effect.provide(plain))
      assert.deepStrictEqual([only?.forms[0]?.size, only?.forms[0]?.images.length, refusedOf(only).length], [0, 0, 2])
    })
  )
})
