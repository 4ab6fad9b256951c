import { Context, Effect, Layer, Stream } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import type { EngineError } from "../../model/Engine.ts"
import { nearest, unitRows } from "../../model/baseline/nearest.ts"
import type { Matrix, ProductsError } from "../../model/baseline/Products.ts"
import { Products } from "../../model/baseline/Products.ts"
import type { FeaturesError } from "../../model/Features.ts"
import type { Model } from "../../model/Model.ts"
import { makeLosses } from "../../pipeline/Losses.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import { forMeasuring, readBegunData } from "../train/begunData.ts"
import type { RunFolder } from "../RunFolder.ts"
import { embedSamples, openEmbedding } from "./embed.ts"

/** A training photo that is like another one. */
export interface SimilarPhoto {
  readonly id: string
  /** Its file. */
  readonly file: string
  readonly label: string
  /** The cosine of the two photos' features, from -1 to 1. */
  readonly similarity: number
}

/** Which photos are looked for. */
export interface SimilarRequest {
  readonly count: number
  /** Only photos of this class; undefined for any. */
  readonly label?: string | undefined
}

/**
 * The training photos of a run that are most like a photo, in the eyes of its model: by what the model gives its head.
 */
export class Neighbours extends Context.Service<
  Neighbours,
  {
    /** The classes that a request may name. */
    readonly labels: ReadonlyArray<string>
    /** How many photos there are. */
    readonly photos: number
    /** The features of images as the model takes them: (size, height, width, 3), normalised. */
    readonly embed: (images: Float32Array, size: number) => Effect.Effect<Matrix, FeaturesError | EngineError>
    /** For each row of features, the most similar photos, the most similar first; none of a class that has none. */
    readonly nearest: (
      features: Matrix,
      request: SimilarRequest
    ) => Effect.Effect<ReadonlyArray<ReadonlyArray<SimilarPhoto>>, ProductsError>
  }
>()("weft/run/similar/Neighbours") {}

/**
 * The neighbours by a finished run: its model, and its training photos from its catalogue, whose features are computed
 * once and cached.
 */
export const openNeighbours = Effect.fn("openNeighbours")(function* (
  config: RunConfig,
  folder: RunFolder["Service"],
  model: Model
) {
  const products = yield* Products
  const begun = yield* readBegunData(folder, config)
  const dataset = yield* Pipeline.dataset(config, begun && forMeasuring(begun))
  const embedding = yield* openEmbedding(model)
  const losses = makeLosses(dataset, config.data)
  const { features, ids, labels } = yield* embedSamples(
    { ...config, image: model.image },
    embedding,
    dataset.train,
    losses,
    "training photos"
  )
  const base = unitRows(features)
  const samples = new Map(dataset.train.map((sample) => [sample.id, sample]))
  const photoAt = (row: number, similarity: number): ReadonlyArray<SimilarPhoto> => {
    const id = ids[row] ?? ""
    const sample = samples.get(id)
    const label = dataset.classes[labels[row] ?? -1]
    return sample === undefined || label === undefined ? [] : [{ id, file: sample.path, label, similarity }]
  }
  /** The rows of a class, and their features. */
  const part = (label: string | undefined) => {
    const wanted = label === undefined ? undefined : dataset.classes.indexOf(label)
    if (wanted === undefined) return { rows: undefined, matrix: base }
    const rows = Array.from(labels.keys()).filter((row) => labels[row] === wanted)
    const { columns } = base
    const data = new Float32Array(rows.length * columns)
    for (const [at, row] of rows.entries())
      data.set(base.data.subarray(row * columns, (row + 1) * columns), at * columns)
    return { rows, matrix: { rows: rows.length, columns, data } }
  }
  return Neighbours.of({
    labels: dataset.classes,
    photos: ids.length,
    embed: (images, size) =>
      Effect.map(embedding.opened.run(images, size), (data) => ({ rows: size, columns: base.columns, data })),
    nearest: Effect.fnUntraced(function* (features: Matrix, { count, label }: SimilarRequest) {
      const { matrix, rows } = part(label)
      if (matrix.rows === 0) return Array.from({ length: features.rows }, () => [])
      const found = yield* Effect.provideService(nearest(unitRows(features), matrix, count), Products, products)
      return found.map((near) => near.flatMap(({ row, similarity }) => photoAt(rows?.[row] ?? row, similarity)))
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
