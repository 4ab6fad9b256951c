import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Ref, Schedule } from "effect"
import { Products } from "../../../src/model/baseline/Products.ts"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import { Feed } from "../../../src/pipeline/Feed.ts"
import type { FeedWork } from "../../../src/pipeline/Feed.ts"
import type { ImageBytes } from "../../../src/pipeline/ImageBytes.ts"
import { normaliseInto, scaleOf } from "../../../src/pipeline/normalise.ts"
import { ImageRefused } from "../../../src/pipeline/Images.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { Runs } from "../../../src/run/Runs.ts"
import { Classifier } from "../../../src/run/serve/Classifier.ts"
import type { ServedModel } from "../../../src/run/serve/Classifier.ts"
import { defaultSettings, Desk } from "../../../src/run/serve/Desk.ts"
import { NotAtDesk } from "../../../src/run/serve/DeskFaults.ts"
import * as LiveNearPhotos from "../../../src/run/serve/liveNearPhotos.ts"
import { NearPhotos } from "../../../src/run/serve/NearPhotos.ts"
import { Photos } from "../../../src/run/serve/Photos.ts"
import { readModel } from "../../../src/run/readModel.ts"
import { openNeighbours } from "../../../src/run/similar/Neighbours.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { tinyConfig, tinyIds, tinyLayers } from "../train/tinyRun.ts"

const servedBy = (run: string): ServedModel => ({
  model: `model of ${run}`,
  run,
  engine: "reference",
  columns: [{ column: "label", classes: [] }]
})

const layers = Layer.mergeAll(tinyLayers(), Runs.layerMemory, Products.layerPlain)

/** Photos in memory are named by their paths, also where a digest is asked for. */
const pathOf = (id: string) => `shop/images/${id}.jpg`

/** An upload's bytes are its pixels here, and four bytes are no image. */
const uploads = new Map<string, Uint8Array>([["broken", new Uint8Array(4)]])
const feed = {
  images: "test",
  augment: "test",
  serve: Effect.fnUntraced(function* ({ image, slots }: FeedWork, bytes?: ImageBytes["Service"]) {
    const images = new Float32Array(image.height * image.width * 3)
    const [slot] = slots
    const read = yield* bytes === undefined || slot === undefined
      ? Effect.die("there are no bytes")
      : Effect.orDie(bytes.read(slot.path, 1e6, []))
    const error = new ImageRefused({ path: slot?.path ?? "", reason: "imageCorrupt", detail: "it is no image" })
    if (read.length === images.length) normaliseInto(images, 0, read, scaleOf(image))
    return { images, refused: read.length === images.length ? [] : [{ slot: 0, error }], release: () => {} }
  })
}

/** Asks until something is near, or nothing is. */
const until = <A>(ask: Effect.Effect<ReadonlyArray<A>>, isWanted: (found: ReadonlyArray<A>) => boolean) =>
  ask.pipe(Effect.filterOrFail(isWanted), Effect.retry(Schedule.spaced("10 millis")))

it.live(
  "the near photos are those by the live model: none before its features are there, others after a promotion",
  () =>
    Effect.gen(function* () {
      const runs = yield* Runs
      const expected = yield* Effect.forEach(["one", "two"], (run, seed) =>
        Effect.gen(function* () {
          const { checkpoints, folder } = yield* runs.open(run, 2)
          const config = yield* tinyConfig({ seed: seed + 1, train: { epochs: 1, batchSize: 3, select: "last" } })
          yield* trainRun(config).pipe(
            Effect.provideService(RunFolder, folder),
            Effect.provideService(Checkpoints, checkpoints)
          )
          return yield* openNeighbours(config, folder, yield* readModel(folder))
        })
      )
      const { image } = yield* tinyConfig()
      for (const id of tinyIds) {
        const { data } = yield* Images.use(({ load }) => load(pathOf(id), image))
        uploads.set(`upload of ${id}`, data)
      }

      const live = yield* Ref.make<ServedModel | null>(null)
      const near = yield* Layer.build(
        LiveNearPhotos.layer({ ...LiveNearPhotos.nearPhotosSettings, every: 5, asked: 2 }).pipe(
          Layer.provide(
            Layer.mergeAll(
              Layer.mock(Classifier, { live: Ref.get(live) }),
              Layer.mock(Desk, {
                settings: { ...defaultSettings, columns: ["label"] },
                item: (digest) => Effect.fail(new NotAtDesk({ what: "item", name: digest }))
              }),
              Layer.succeed(Photos, { bytes: (digest) => Effect.succeed(Option.fromNullishOr(uploads.get(digest))) }),
              Layer.succeed(Feed, feed)
            )
          )
        )
      ).pipe(Effect.flatMap((context) => Effect.provide(NearPhotos, context)))
      const nearest = (digest: string) => near.nearest(digest, "label", ["scarf", "cap", "glove"], 3)
      const following = yield* Effect.forkScoped(near.follow)
      assert.deepStrictEqual(yield* nearest(pathOf("cap1")), [])

      for (const [k, run] of ["one", "two"].entries()) {
        const neighbours = expected[k]
        if (neighbours === undefined) return assert.fail()
        yield* Ref.set(live, servedBy(run))
        const trained = tinyIds.map(pathOf).filter((path) => neighbours.featuresOf(path) !== undefined)
        const [query = ""] = trained
        const features = neighbours.featuresOf(query)
        if (features === undefined) return assert.fail()
        const want = Effect.forEach(["scarf", "cap"], (label) =>
          Effect.map(neighbours.nearest(features, { count: 3, label, without: query }), ([found = []]) => ({
            label,
            images: found.map(({ digest, similarity }) => ({
              digest,
              name: digest.slice("shop/images/".length),
              similarity
            }))
          }))
        )
        // No class without photos, and the query is not among its own.
        const right = yield* want
        yield* until(nearest(query), (found) => JSON.stringify(found) === JSON.stringify(right))
        assert.isFalse(right.some(({ images }) => images.some(({ digest }) => digest === query)))
        // The same pixels that are uploaded find the photo itself first, and more uploads than are kept are no trouble.
        for (const path of trained) {
          const id = path.slice("shop/images/".length, -".jpg".length)
          const found = yield* nearest(`upload of ${id}`)
          const own = found.find(({ label }) => id.startsWith(label))
          assert.strictEqual(own?.images[0]?.digest, path)
          assert.closeTo(own?.images[0]?.similarity ?? 0, 1, 1e-4)
        }
        assert.deepStrictEqual(yield* nearest("broken"), [])
        assert.deepStrictEqual(yield* nearest("gone"), [])
      }

      // A model whose run is gone: nothing is near, and nothing fails.
      yield* Ref.set(live, servedBy("three"))
      yield* until(nearest(pathOf("cap1")), (found) => found.length === 0)
      // The next one is taken up again.
      yield* Ref.set(live, servedBy("one"))
      yield* until(nearest(pathOf("cap1")), (found) => found.length > 0)
      yield* Fiber.interrupt(following)
      assert.deepStrictEqual(yield* nearest(pathOf("cap1")), [])
    }).pipe(Effect.scoped, Effect.provide(layers))
)
