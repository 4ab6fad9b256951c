import { Clock, Deferred, Effect, Exit, Latch, Layer, Metric, Option, RcMap, Ref, Schema, Scope } from "effect"
import { cooled } from "../../metrics/calibration.ts"
import { evenThreshold, sigmoid } from "../../metrics/multilabel.ts"
import { Report } from "../../metrics/Report.ts"
import { topK } from "../../metrics/topK.ts"
import { Engines } from "../../model/Engines.ts"
import { Features } from "../../model/Features.ts"
import { modelColumns } from "../../model/Model.ts"
import { predictorOf } from "../../model/Predictor.ts"
import { elementAt } from "../../pipeline/elementAt.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import { Feed } from "../../pipeline/Feed.ts"
import { mostBytes } from "../../pipeline/ImageConfig.ts"
import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import type { PredictorName } from "../predict/openPredictor.ts"
import { openPredictor } from "../predict/openPredictor.ts"
import { readModel } from "../readModel.ts"
import { RunError } from "../RunError.ts"
import { Runs } from "../Runs.ts"
import { savedConfig } from "../savedConfig.ts"
import type { Ranked } from "./ColumnValue.ts"
import type { Classified, ColumnAnswer, Photo, ServedColumn, ServedModel } from "./Classifier.ts"
import { Classifier, ModelFailed, NoModel, TooBusy } from "./Classifier.ts"
import { decodePhoto } from "./decodePhoto.ts"
import { messageOf } from "../../pipeline/messageOf.ts"

/** How the live model works. */
export interface ClassifierSettings {
  /** What applies the network. */
  readonly engine: PredictorName
  /** At most so many images are decoded or wait for the model; more are refused. */
  readonly mostWaiting: number
  /** At most so many images are one batch. */
  readonly batch: number
  /** How long a batch waits for images that are being decoded, in milliseconds. */
  readonly patience: number
  /** An image with more pixels or bytes than this is refused; the run's own limits where left out. */
  readonly maxPixels?: number | undefined
  readonly maxBytes?: number | undefined
}

export const classifierSettings = {
  engine: "auto",
  mostWaiting: 512,
  batch: 8,
  patience: 2
} as const satisfies ClassifierSettings

/** An image that is ready for the network. */
interface Ready {
  readonly pixels: Float32Array
  readonly logits: Deferred.Deferred<Float32Array, ModelFailed>
  /** False once its request has ended. */
  isWanted: boolean
}

/** A label column's place among the logits. */
interface Place extends ServedColumn {
  readonly from: number
  readonly temperature: number
}

const batchSizes = Metric.histogram("weft_serve_batch_images", {
  description: "Images of one call of the model",
  boundaries: [1, 2, 4, 8, 16, 32, 64]
})
const classified = Metric.counter("weft_serve_images", {
  description: "Images that the model has classified",
  incremental: true
})

/**
 * Writes the images of a batch one after the other, into memory that all batches share: with new memory for each, the
 * garbage collector would trace the whole heap every 60 images.
 */
const gather = (memory: Float32Array, batch: ReadonlyArray<Ready>): Float32Array => {
  let end = 0
  for (const { pixels } of batch) {
    memory.set(pixels, end)
    end += pixels.length
  }
  return memory.subarray(0, end)
}

const finite = (probability: number) => (Number.isFinite(probability) ? probability : 0)

/** The most probable classes of a column with one value. */
const firstClasses = (classes: ServedColumn["classes"], logits: Float32Array, top: number): ReadonlyArray<Ranked> =>
  topK(logits, top).map(({ index, probability }) => ({
    label: elementAt(classes, index).label,
    probability: finite(probability)
  }))

/** The classes of a column with several values that reach their thresholds, and the most probable ones at any rate. */
const likelyClasses = (
  classes: ServedColumn["classes"],
  thresholds: ReadonlyArray<number>,
  logits: Float32Array,
  top: number
): ReadonlyArray<Ranked> =>
  Array.from(logits, (logit, index) => ({
    label: elementAt(classes, index).label,
    probability: finite(sigmoid(logit)),
    threshold: elementAt(thresholds, index)
  }))
    .sort((a, b) => b.probability - a.probability)
    .filter(({ probability, threshold }, place) => place < top || probability >= threshold)

const failed = (what: string) => (cause: unknown) => new ModelFailed({ detail: `${what}: ${messageOf(cause)}`, cause })

/** A PNG of one pixel, which takes the same libraries as any other. */
const onePixel = Uint8Array.from(
  atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="),
  (byte) => byte.charCodeAt(0)
)

/**
 * A run's model, open until the Scope closes: it decodes images in the feed's threads, and applies the network to what is
 * ready then. Whoever asks while the network is at work waits for the next batch, so that batches grow with the load.
 */
const open = Effect.fnUntraced(function* (
  { model: name, run }: { readonly model: string; readonly run: string },
  { batch: most, engine, maxBytes, maxPixels, patience }: ClassifierSettings
) {
  const folder = yield* Runs.use((runs) => runs.existing(run))
  const config = yield* savedConfig(folder)
  const model = yield* readModel(folder, run)
  const report = yield* folder.read("report.json").pipe(
    Effect.flatMap((bytes) => Schema.decodeEffect(Schema.fromJsonString(Report))(new TextDecoder().decode(bytes))),
    Effect.option
  )
  const feed = yield* Feed
  if (feed === undefined) return yield* Effect.die(new Error("there is no Feed that decodes images"))
  // A thread that decodes is started meanwhile: the first request would wait for it.
  const [opened] = yield* Effect.all(
    [
      openPredictor(config.engine, model, engine),
      decodePhoto(feed, config.image, { name: "dot", bytes: onePixel }).pipe(
        Effect.map(({ release }) => release()),
        Effect.mapError(failed("images cannot be decoded"))
      )
    ],
    { concurrency: 2 }
  )
  const { network } = model
  const all = modelColumns(model)
  const predictor = predictorOf(opened.predictor, config.evaluate, all)
  const image: ImageConfig = {
    ...model.image,
    maxPixels: maxPixels ?? config.image.maxPixels,
    maxBytes: maxBytes ?? mostBytes(config.image)
  }
  const names = labelColumnsOf(config.data).map(({ column }) => column)
  const trainedOf = (index: number) => {
    const data = Option.match(report, { onNone: () => undefined, onSome: (one) => one.data })
    const perClass = data?.columns?.[index]?.perClass ?? (index === 0 ? data?.perClass : undefined) ?? []
    return new Map(perClass.map(({ label, train }) => [label, train]))
  }
  const places = all.map(({ classes, from, index, name, temperature = 1, thresholds, values }): Place => {
    const counts = trainedOf(index)
    return {
      column: names[index] ?? name,
      classes: classes.map((label) => ({ label, trained: counts.get(label) ?? 0 })),
      ...(values === "several" && { thresholds: classes.map((_, c) => thresholds?.[c] ?? evenThreshold) }),
      from,
      temperature
    }
  })
  const [firstPlace, ...otherPlaces] = places
  if (firstPlace === undefined) return yield* new RunError({ run, detail: "its model has no label column" })
  const columns: readonly [Place, ...Array<Place>] = [firstPlace, ...otherPlaces]
  const served: ServedModel = { model: name, run, engine: opened.name, columns }

  // Taken from by one fiber alone.
  const inFront: Array<Ready> = []
  const behind: Array<Ready> = []
  const filled = yield* Latch.make(false)
  let decoding = 0

  const apply = Effect.fnUntraced(function* (memory: Float32Array, batch: ReadonlyArray<Ready>) {
    const size = batch.length
    yield* Metric.update(batchSizes, size)
    const result = yield* predictor
      .predict({
        index: 0,
        images: gather(memory, batch),
        labels: new Int32Array(size),
        ids: batch.map(() => ""),
        size,
        height: image.height,
        width: image.width
      })
      .pipe(Effect.mapError(failed("the model cannot be applied")), Effect.exit)
    yield* Metric.update(classified, size)
    const width = network.classes
    for (const [i, { logits }] of batch.entries())
      Deferred.doneUnsafe(
        logits,
        Exit.map(result, (all) => all.slice(i * width, (i + 1) * width))
      )
  })

  /** The next image that somebody still waits for. */
  const take = () => {
    while (true) {
      const next = inFront.shift() ?? behind.shift()
      if (next === undefined || next.isWanted) return next
    }
  }

  const nextBatch = Effect.fnUntraced(function* () {
    const batch: Array<Ready> = []
    let end = 0n
    while (batch.length < most) {
      // Closed before the look, so that none is missed that comes between the look and the wait.
      yield* Latch.close(filled)
      const next = take()
      if (next !== undefined) {
        batch.push(next)
        continue
      }
      if (batch.length === 0) {
        yield* Latch.await(filled)
        continue
      }
      const now = yield* Clock.currentTimeNanos
      if (end === 0n) end = now + BigInt(Math.round(patience * 1e6))
      if (decoding === 0 || now >= end) break
      yield* Effect.timeoutOption(Latch.await(filled), Number(end - now) / 1e6)
    }
    return batch
  })
  const lane = Effect.suspend(() => {
    // Threads see it without a copy.
    const memory = new Float32Array(new SharedArrayBuffer(most * image.height * image.width * 12))
    return Effect.forever(Effect.flatMap(nextBatch(), (batch) => apply(memory, batch)))
  })
  for (let i = 0; i < opened.calls; i++) yield* Effect.forkScoped(lane)

  const decode = (photo: Photo) =>
    Effect.suspend(() => {
      decoding += 1
      return Effect.ensuring(
        decodePhoto(feed, image, photo),
        Effect.sync(() => (decoding -= 1))
      )
    })

  const answerOf = (logits: Float32Array, top: number): Classified => ({
    _tag: "Classified",
    columns: columns.map((place): ColumnAnswer => {
      const { classes, column, from, temperature, thresholds } = place
      const own = cooled(logits.subarray(from, from + classes.length), temperature)
      const [first, ...others] =
        thresholds === undefined ? firstClasses(classes, own, top) : likelyClasses(classes, thresholds, own, top)
      // A network has a class at least.
      return { column, top: [first ?? { label: "", probability: 0 }, ...others] }
    })
  })

  /** What the model says of one image. */
  const classifyOne = Effect.fnUntraced(function* (photo: Photo, top: number, isBehind: boolean) {
    const { images, refused, release } = yield* Effect.mapError(decode(photo), failed("images cannot be decoded"))
    const [why] = refused
    if (why !== undefined) {
      release()
      return { _tag: "Refused", reason: why.error.reason, detail: why.error.detail } satisfies Classified
    }
    const ready: Ready = { pixels: images, logits: yield* Deferred.make<Float32Array, ModelFailed>(), isWanted: true }
    if (isBehind) behind.push(ready)
    else inFront.push(ready)
    yield* Latch.open(filled)
    const done = Effect.sync(() => {
      ready.isWanted = false
      release()
    })
    return answerOf(yield* Effect.ensuring(Deferred.await(ready.logits), done), top)
  })
  return { served, classifyOne }
})

/** The live model on the context's engines, runs and feed. */
export const layer = (settings: ClassifierSettings) =>
  Layer.effect(
    Classifier,
    Effect.gen(function* () {
      const context = yield* Effect.context<Engines | Features | Runs>()
      const models = yield* RcMap.make({
        lookup: (key: string) => {
          // A key is what `keyOf` made.
          const [model = "", run = ""] = JSON.parse(key) as ReadonlyArray<string>
          return open({ model, run }, settings).pipe(
            Effect.provide(context),
            Effect.mapError(failed(`the model of ${run} cannot be loaded`))
          )
        }
      })
      const keyOf = ({ model, run }: { readonly model: string; readonly run: string }) => JSON.stringify([model, run])
      const live = yield* Ref.make<{
        readonly key: string
        readonly served: ServedModel
        readonly held: Scope.Closeable
      } | null>(null)
      yield* Effect.addFinalizer(() =>
        Effect.flatMap(Ref.get(live), (one) => (one === null ? Effect.void : Scope.close(one.held, Exit.void)))
      )
      let waiting = 0
      const admitted = <A, E, R>(count: number, isBehind: boolean, work: Effect.Effect<A, E, R>) =>
        Effect.suspend((): Effect.Effect<A, E | TooBusy, R> => {
          if (isBehind) return work
          if (waiting + count > settings.mostWaiting && waiting > 0)
            return Effect.fail(new TooBusy({ waiting, most: settings.mostWaiting }))
          waiting += count
          return Effect.ensuring(
            work,
            Effect.sync(() => (waiting -= count))
          )
        })

      const classify: Classifier["Service"]["classify"] = (photos, { behind = false, top }) =>
        admitted(
          photos.length,
          behind,
          Effect.scoped(
            Effect.gen(function* () {
              const now = yield* Ref.get(live)
              if (now === null) return yield* new NoModel()
              // It stays open until this request has its answers, whichever model is live then.
              const { classifyOne, served } = yield* RcMap.get(models, now.key)
              const answers = yield* Effect.forEach(photos, (photo) => classifyOne(photo, top, behind), {
                concurrency: behind ? 4 : "unbounded"
              })
              return { by: served, answers }
            })
          )
        )

      return {
        live: Effect.map(Ref.get(live), (one) => one?.served ?? null),
        serve: Effect.fnUntraced(function* (model) {
          const key = keyOf(model)
          const before = yield* Ref.get(live)
          if (before?.key === key) return before.served
          const held = yield* Scope.make()
          const { served } = yield* RcMap.get(models, key).pipe(
            Scope.provide(held),
            Effect.onError(() => Scope.close(held, Exit.void))
          )
          yield* Ref.set(live, { key, served, held })
          // Requests that it answers hold it open.
          if (before !== null) yield* Scope.close(before.held, Exit.void)
          return served
        }),
        classify,
        classifyBy: (model, photos) =>
          Effect.scoped(
            Effect.flatMap(RcMap.get(models, keyOf(model)), ({ classifyOne }) =>
              Effect.forEach(photos, (photo) => classifyOne(photo, 1, true), { concurrency: 4 })
            )
          )
      }
    })
  )
