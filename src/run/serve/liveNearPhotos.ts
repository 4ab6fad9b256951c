import { Cache, Cause, Duration, Effect, Exit, FiberHandle, Layer, Option, Ref, Semaphore } from "effect"
import { Features } from "../../model/Features.ts"
import { Products } from "../../model/baseline/Products.ts"
import type { Matrix } from "../../model/baseline/Products.ts"
import { Feed } from "../../pipeline/Feed.ts"
import { mostBytes } from "../../pipeline/ImageConfig.ts"
import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { Progress, report } from "../../pipeline/Progress.ts"
import { lastOf } from "./lastOf.ts"
import { readModel } from "../readModel.ts"
import { Runs } from "../Runs.ts"
import { savedConfig } from "../savedConfig.ts"
import type { Neighbours } from "../similar/Neighbours.ts"
import { openNeighbours } from "../similar/Neighbours.ts"
import type { ServedModel } from "./Classifier.ts"
import { Classifier } from "./Classifier.ts"
import { decodePhoto } from "./decodePhoto.ts"
import { Desk } from "./Desk.ts"
import { NearPhotos } from "./NearPhotos.ts"
import { Photos } from "./Photos.ts"
import { fileName } from "./takeIn.ts"

/** How much is kept, and how often it is asked which model is live. */
export interface NearPhotosSettings {
  /** Bytes of the training photos' features; of a larger catalogue, a part of the photos is compared. */
  readonly memory: number
  /** Training photos that are given to the network together: requests wait for so many. */
  readonly batch: number
  /** Photos that are no training photos and have been asked for: so many keep their features. */
  readonly asked: number
  /** In milliseconds. */
  readonly every: number
  /** An image with more pixels or bytes than this is not looked at; the run's own limits where left out. */
  readonly maxPixels?: number | undefined
  readonly maxBytes?: number | undefined
}

export const nearPhotosSettings = {
  memory: 256 * 2 ** 20,
  batch: 8,
  asked: 256,
  every: 2000
} as const satisfies NearPhotosSettings

/** A model whose features are there. */
interface Opened {
  readonly neighbours: Neighbours["Service"]
  /** The features of a photo that is no training photo; undefined where it is gone, or cannot be decoded. */
  readonly featuresOf: (digest: string) => Effect.Effect<Matrix | undefined, Error>
}

/** By the context's live model, whose run's catalogue is read in the background. */
export const layer = (settings: NearPhotosSettings) =>
  Layer.effect(
    NearPhotos,
    Effect.gen(function* () {
      const classifier = yield* Classifier
      const desk = yield* Desk
      const photos = yield* Photos
      const feed = yield* Feed
      if (feed === undefined) return yield* Effect.die(new Error("there is no Feed that decodes images"))
      const context = yield* Effect.context<
        Features | Products | Runs | Effect.Services<ReturnType<typeof openNeighbours>>
      >()
      /** One question at a time, so that a model is closed between two of them, and few images are in memory. */
      const alone = yield* Semaphore.make(1)
      const current = yield* Ref.make<Opened | null>(null)

      const open = Effect.fnUntraced(function* ({ run }: ServedModel) {
        const folder = yield* Runs.use((runs) => runs.existing(run))
        const config = yield* savedConfig(folder)
        const model = yield* readModel(folder, run)
        const neighbours = yield* openNeighbours(config, folder, model, settings).pipe(
          // Nobody waits for it.
          Effect.provideService(Progress, () => Effect.void)
        )
        const image: ImageConfig = {
          ...model.image,
          maxPixels: settings.maxPixels ?? config.image.maxPixels,
          maxBytes: settings.maxBytes ?? mostBytes(config.image)
        }
        const embed = Effect.fnUntraced(function* (digest: string) {
          const bytes = yield* photos.bytes(digest)
          if (Option.isNone(bytes)) return undefined
          const { images, refused, release } = yield* decodePhoto(feed, image, { name: digest, bytes: bytes.value })
          if (refused.length > 0) {
            release()
            return undefined
          }
          return yield* neighbours.embed(images, 1).pipe(
            // A network that is at work must not be closed.
            Effect.uninterruptible,
            Effect.ensuring(Effect.sync(release))
          )
        })
        const embedded = yield* Cache.makeWith(embed, {
          capacity: settings.asked,
          // What has failed is tried again.
          timeToLive: (exit) => (Exit.isSuccess(exit) ? Duration.infinity : Duration.zero)
        })
        return { neighbours, featuresOf: (digest) => Cache.get(embedded, digest) } satisfies Opened
      })

      /** Has a model's features, until it is interrupted. */
      const hold = (served: ServedModel) =>
        Effect.gen(function* () {
          const opened = yield* open(served)
          // Before the network is closed: the question that it answers now is the last one.
          yield* Effect.addFinalizer(() => Semaphore.withPermit(alone)(Ref.set(current, null)))
          yield* Ref.set(current, opened)
          yield* report({
            _tag: "Note",
            line: `${opened.neighbours.photos} training photos of ${lastOf(served.run)} can be compared`
          })
          return yield* Effect.never
        }).pipe(
          Effect.scoped,
          Effect.provide(context),
          Effect.catchCause((cause) =>
            Cause.hasInterruptsOnly(cause)
              ? Effect.interrupt
              : report({
                  _tag: "Note",
                  line: `no similar photos by ${lastOf(served.run)}: ${messageOf(Cause.squash(cause))}`
                })
          )
        )

      return {
        follow: Effect.gen(function* () {
          const work = yield* FiberHandle.make<void>()
          let followed: string | undefined
          while (true) {
            const live = yield* classifier.live
            if (live !== null && live.model !== followed) {
              followed = live.model
              // The former model's features first: both are not in memory together.
              yield* FiberHandle.clear(work)
              yield* FiberHandle.run(work, hold(live))
            }
            yield* Effect.sleep(settings.every)
          }
        }).pipe(Effect.scoped),
        nearest: (digest, column, labels, count) =>
          Effect.gen(function* () {
            const now = yield* Ref.get(current)
            if (now === null) return []
            const { featuresOf, neighbours } = now
            const features = neighbours.featuresOf(digest) ?? (yield* featuresOf(digest))
            if (features === undefined) return []
            const found = yield* Effect.forEach(labels, (label) =>
              Effect.map(neighbours.nearest(features, { count, column, label, without: digest }), ([similar = []]) => ({
                label,
                similar
              }))
            )
            return found.filter(({ similar }) => similar.length > 0)
          }).pipe(
            Semaphore.withPermit(alone),
            Effect.flatMap(
              Effect.forEach(({ label, similar }) =>
                Effect.map(
                  Effect.forEach(similar, ({ digest, file, similarity }) =>
                    desk.item(digest).pipe(
                      Effect.map(({ name }) => name),
                      // A photo of another catalogue than the desk's.
                      Effect.orElseSucceed(() => fileName(file)),
                      Effect.map((name) => ({ digest, name, similarity }))
                    )
                  ),
                  (images) => ({ label, images })
                )
              )
            ),
            Effect.catchCause((cause) =>
              Cause.hasInterruptsOnly(cause)
                ? Effect.interrupt
                : Effect.as(Effect.logWarning(`no similar photos of ${digest.slice(0, 12)}`, cause), [])
            )
          )
      }
    })
  )
