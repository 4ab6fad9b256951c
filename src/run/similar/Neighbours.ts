import { Context, Effect, Layer, Stream } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import type { EngineError } from "../../model/Engine.ts"
import type { Near } from "../../model/baseline/nearest.ts"
import { nearest, nearestAmong, unitRows } from "../../model/baseline/nearest.ts"
import type { Matrix, ProductsError } from "../../model/baseline/Products.ts"
import { Products, rowsFrom } from "../../model/baseline/Products.ts"
import type { FeaturesError } from "../../model/Features.ts"
import type { Model } from "../../model/Model.ts"
import { elementAt } from "../../pipeline/elementAt.ts"
import { hashOrder } from "../../pipeline/hashOrder.ts"
import type { LabelColumn } from "../../pipeline/LabelColumn.ts"
import { makeLosses } from "../../pipeline/Losses.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import { forMeasuring, readBegunData } from "../train/begunData.ts"
import type { RunFolder } from "../RunFolder.ts"
import { embedSamples, openEmbedding } from "./embed.ts"

/** A training photo that is like another one. */
export interface SimilarPhoto {
  readonly id: string
  /** Its file. */
  readonly file: string
  /** SHA-256 of its bytes, in hex. */
  readonly digest: string
  /** Its class in the label column that was asked for; several with commas between them, empty where it is not known. */
  readonly label: string
  /** The cosine of the two photos' features, from -1 to 1. */
  readonly similarity: number
}

/** Which photos are looked for. */
export interface SimilarRequest {
  readonly count: number
  /** The label column, by its name; the first one where left out. */
  readonly column?: string | undefined
  /** Only photos of this class; undefined for any. */
  readonly label?: string | undefined
  /** Not the photo with this digest. */
  readonly without?: string | undefined
}

/**
 * The training photos of a run that are most like a photo, in the eyes of its model: by what the model gives its head.
 * A photo of several rows is there once, with the classes of all of them.
 */
export class Neighbours extends Context.Service<
  Neighbours,
  {
    /** The classes of the first label column. */
    readonly labels: ReadonlyArray<string>
    /** The label columns, with the classes that a request may name. */
    readonly columns: ReadonlyArray<LabelColumn>
    /** How many photos there are. */
    readonly photos: number
    /** The features of images as the model takes them: (size, height, width, 3), normalised. */
    readonly embed: (images: Float32Array, size: number) => Effect.Effect<Matrix, FeaturesError | EngineError>
    /** The features of the training photo with this digest; undefined where there is none. */
    readonly featuresOf: (digest: string) => Matrix | undefined
    /** For each row of features, the most similar photos, the most similar first; none of a class that has none. */
    readonly nearest: (
      features: Matrix,
      request: SimilarRequest
    ) => Effect.Effect<ReadonlyArray<ReadonlyArray<SimilarPhoto>>, ProductsError>
  }
>()("weft/run/similar/Neighbours") {}

/** The rows of one image, as one. */
interface TrainingPhoto {
  readonly sample: Sample
  /** Its classes in each label column. */
  readonly classes: ReadonlyArray<ReadonlySet<number>>
}

const photosOf = (
  samples: ReadonlyArray<Sample>,
  columns: ReadonlyArray<LabelColumn>
): ReadonlyArray<TrainingPhoto> => {
  const photos = new Map<string, { readonly sample: Sample; readonly classes: ReadonlyArray<Set<number>> }>()
  for (const sample of samples) {
    const photo = photos.get(sample.digest) ?? { sample, classes: columns.map(() => new Set<number>()) }
    photos.set(sample.digest, photo)
    for (const [column, classes] of photo.classes.entries())
      for (const label of sample.labels === undefined ? [sample.label] : (sample.labels[column] ?? []))
        classes.add(label)
  }
  return [...photos.values()]
}

/**
 * At most so many of some photos, by chance but always the same ones. Rare classes keep theirs: each class of each column
 * has the same number of places, and what is left of these is for any photo.
 */
export const fewerPhotos = <
  Photo extends Pick<TrainingPhoto, "classes"> & { readonly sample: { readonly id: string } }
>(
  photos: ReadonlyArray<Photo>,
  most: number
): ReadonlyArray<Photo> => {
  if (photos.length <= most) return photos
  const ordered = hashOrder(
    photos.map((photo) => ({ id: photo.sample.id, photo })),
    "similar photos"
  )
  const keysOf = ({ classes }: Photo) =>
    classes.flatMap((own, column) => Array.from(own, (label) => `${column} ${label}`))
  const places = Math.max(1, Math.floor(most / Math.max(1, new Set(photos.flatMap(keysOf)).size)))
  const kept = new Set<Photo>()
  const counts = new Map<string, number>()
  for (const { photo } of ordered) {
    const keys = keysOf(photo)
    if (kept.size === most) break
    if (keys.every((key) => (counts.get(key) ?? 0) >= places)) continue
    kept.add(photo)
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  for (const { photo } of ordered) if (kept.size < most) kept.add(photo)
  return photos.filter((photo) => kept.has(photo))
}

/** How the features of training photos are computed and kept. */
export interface NeighboursSettings {
  /** At most so many bytes of features: of a larger catalogue, fewer photos are compared. No bound where left out. */
  readonly memory?: number | undefined
  /** Photos that are given to the network together; as in the training where left out. */
  readonly batch?: number | undefined
}

/**
 * The neighbours by a finished run: its model, and its training photos from its catalogue, whose features are computed
 * once and cached.
 */
export const openNeighbours = Effect.fn("openNeighbours")(function* (
  config: RunConfig,
  folder: RunFolder["Service"],
  model: Model,
  { batch = config.train.batchSize, memory = Infinity }: NeighboursSettings = {}
) {
  const products = yield* Products
  const begun = yield* readBegunData(folder, config)
  const dataset = yield* Pipeline.dataset(config, begun && forMeasuring(begun))
  const { columns } = dataset
  const embedding = yield* openEmbedding(model)
  const losses = makeLosses(dataset, config.data)
  const chosen = fewerPhotos(
    photosOf(dataset.train, columns),
    Math.max(1, Math.floor(memory / (embedding.length * Float32Array.BYTES_PER_ELEMENT)))
  )
  const { features, ids } = yield* embedSamples(
    { ...config, image: model.image, train: { ...config.train, batchSize: batch } },
    embedding,
    chosen.map(({ sample }) => sample),
    losses,
    "training photos"
  )
  const base = unitRows(features)
  const byId = new Map(chosen.map((photo) => [photo.sample.id, photo]))
  const photos = ids.flatMap((id) => byId.get(id) ?? [])
  const rowOf = new Map(photos.map(({ sample }, row) => [sample.digest, row]))
  const photoAt = (column: number, { row, similarity }: Near): SimilarPhoto => {
    const { classes, sample } = elementAt(photos, row)
    const label = Array.from(classes[column] ?? [], (index) => columns[column]?.classes[index] ?? "").join(", ")
    return { id: sample.id, file: sample.path, digest: sample.digest, label, similarity }
  }
  return Neighbours.of({
    labels: dataset.classes,
    columns,
    photos: photos.length,
    embed: (images, size) =>
      Effect.map(embedding.opened.run(images, size), (data) => ({ rows: size, columns: base.columns, data })),
    featuresOf: (digest) => {
      const row = rowOf.get(digest)
      return row === undefined ? undefined : rowsFrom(base, row, row + 1)
    },
    nearest: Effect.fnUntraced(function* (features: Matrix, { column: name, count, label, without }: SimilarRequest) {
      const column = name === undefined ? 0 : columns.findIndex((one) => one.name === name)
      const index = label === undefined ? undefined : (columns[column]?.classes.indexOf(label) ?? -1)
      const rows =
        index === undefined
          ? undefined
          : Array.from(photos.keys()).filter((row) => photos[row]?.classes[column]?.has(index))
      // One more, in the place of the one that is left out.
      const wanted = without === undefined ? count : count + 1
      const queries = unitRows(features)
      const found =
        rows === undefined
          ? yield* Effect.provideService(nearest(queries, base, wanted), Products, products)
          : yield* nearestAmong(queries, base, rows, wanted)
      return found.map((near) =>
        near
          .map((one) => photoAt(column, one))
          .filter(({ digest }) => digest !== without)
          .slice(0, count)
      )
    })
  })
})

/** The neighbours by a finished run as a Layer, for programs that ask for many photos. */
export const layerOf = (...run: Parameters<typeof openNeighbours>) => Layer.effect(Neighbours, openNeighbours(...run))

/** A photo file with the training photos that are like it; or why it could not be read. */
export type Similar =
  | { readonly path: string; readonly similar: ReadonlyArray<SimilarPhoto> }
  | { readonly path: string; readonly error: string; readonly reason: string }

/** The training photos of `Neighbours` that are most like each of some files, in the files' order. */
export const similarFiles = (
  config: RunConfig,
  paths: Parameters<typeof Pipeline.fileBatches>[2],
  request: SimilarRequest
) =>
  Pipeline.fileBatches(config, [config.image], paths).pipe(
    Stream.mapEffect(
      Effect.fnUntraced(function* ({ files, forms: [batch] }) {
        const { embed, nearest } = yield* Neighbours
        const size = batch?.size ?? 0
        const found = batch === undefined || size === 0 ? [] : yield* nearest(yield* embed(batch.images, size), request)
        batch?.release?.()
        let row = 0
        return files.map(({ path, refused }): Similar =>
          refused === undefined
            ? { path, similar: found[row++] ?? [] }
            : { path, error: refused.detail, reason: refused.reason }
        )
      })
    ),
    Stream.flattenIterable
  )
