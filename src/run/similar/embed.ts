import { Effect, Stream } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import type { Matrix } from "../../model/baseline/Products.ts"
import { Features } from "../../model/Features.ts"
import type { Model } from "../../model/Model.ts"
import { headAt } from "../../model/parts.ts"
import { inputShape } from "../../model/shapes.ts"
import { sizeOf } from "../../model/Tensor.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import type { Losses } from "../../pipeline/Losses.ts"
import { report } from "../../pipeline/Progress.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import { RunError } from "../RunError.ts"
import { featureBatches } from "../train/featureBatches.ts"

/** What features are made with: all of a network but its head, and its weights. */
export type Embedding = Pick<Model, "backbone" | "network" | "weights">

/**
 * What a network gives its head, for images: opened until the Scope closes. Fails with a RunError where the network has
 * no head by name.
 */
export const openEmbedding = Effect.fn("openEmbedding")(function* ({ backbone, network, weights }: Embedding) {
  const at = headAt(network)
  if (at === undefined || at === 0)
    return yield* new RunError({ run: network.name, detail: "this network has no head that features could go into" })
  const frozen = { blocks: network.blocks.slice(0, at), input: inputShape(network), weights, backbone }
  const opened = yield* Features.use((features) => features.open(frozen))
  const length = sizeOf(opened.shape)
  return { frozen, opened, length }
})
export type OpenEmbedding = Effect.Success<ReturnType<typeof openEmbedding>>

/** The features of images that are read, row by row. */
export const embedBatch = Effect.fnUntraced(function* ({ opened }: OpenEmbedding, { images, size }: Batch) {
  return size === 0 ? new Float32Array(0) : yield* opened.run(images, size)
})

/** Samples with their features, row by row; without those whose image is gone. */
export interface Embedded {
  readonly features: Matrix
  readonly labels: Int32Array
  readonly ids: ReadonlyArray<string>
}

/** The features of samples, from the cache where it has them. */
export const embedSamples = Effect.fn("embedSamples")(function* (
  config: RunConfig,
  { frozen, length, opened }: OpenEmbedding,
  samples: ReadonlyArray<Sample>,
  losses: Losses,
  what: string
) {
  const batches = yield* featureBatches(config, opened, frozen, losses)
  const data = new Float32Array(samples.length * length)
  const labels = new Int32Array(samples.length)
  const ids: Array<string> = []
  yield* Stream.runForEach(
    batches.evaluation(samples),
    Effect.fnUntraced(function* (batch: Batch) {
      const { features = new Float32Array(0), ids: own, labels: classes, release } = batch
      data.set(features, ids.length * length)
      labels.set(classes, ids.length)
      ids.push(...own)
      release?.()
      yield* report({ _tag: "Evaluating", part: what, done: ids.length, total: samples.length })
    })
  )
  const rows = ids.length
  const features: Matrix = { rows, columns: length, data: data.subarray(0, rows * length) }
  return { features, labels: labels.subarray(0, rows), ids } satisfies Embedded
})
