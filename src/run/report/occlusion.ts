import { Clock, Effect, Schema, Stream } from "effect"
import { softmax } from "../../metrics/crossEntropy.ts"
import { answers, topLosses } from "../../metrics/mistakes.ts"
import type { Predictions } from "../../metrics/calibration.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import type { Predictor } from "../../model/Predictor.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import { denormalise } from "../../pipeline/denormalise.ts"
import type { Losses } from "../../pipeline/Losses.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import { RunFolder } from "../RunFolder.ts"
import { Thumbnails } from "./Thumbnails.ts"

/** Photos that are looked at, and cells of a map along each side. */
const photos = 8
export const cells = 8
/**
 * A cover is two cells wide and high and moves by one, from half outside to half outside: as many places along each side,
 * and four of them on each cell.
 */
const places = cells + 1
/** No further photo is begun after so many seconds, and none is finished. */
export const budgetSeconds = 20

/** Where the network looked when it was most wrong: what `occlusion.json` keeps. */
export const Occlusion = Schema.Struct({
  /** That it took. */
  seconds: Schema.Finite,
  /** Mistakes that were to be looked at. */
  wanted: Schema.Natural,
  photos: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      label: Schema.String,
      predicted: Schema.String,
      probability: Schema.Finite,
      /** A `data:` address of the photo as the network sees it. */
      picture: Schema.String,
      /** By how much covering a cell lowers the probability of what was predicted, row by row. */
      drops: Schema.Array(Schema.Finite)
    })
  )
})
export type Occlusion = typeof Occlusion.Type

const OcclusionText = Schema.fromJsonString(Occlusion)

/** Copies of an image: itself, and with each place covered by the mean colour, which is 0. */
export const covered = (image: Float32Array, height: number, width: number): Float32Array => {
  const area = height * width * 3
  const copies = new Float32Array((1 + places * places) * area)
  for (let i = 0; i <= places * places; i++) copies.set(image, i * area)
  const edge = (cell: number, size: number) => Math.round((Math.max(0, Math.min(cells, cell)) * size) / cells)
  for (let row = 0; row < places; row++)
    for (let column = 0; column < places; column++) {
      const from = (1 + row * places + column) * area
      const [left, right] = [edge(column - 1, width), edge(column + 1, width)]
      for (let y = edge(row - 1, height); y < edge(row + 1, height); y++)
        copies.fill(0, from + (y * width + left) * 3, from + (y * width + right) * 3)
    }
  return copies
}

/** Each cell's mean over the four covers that lie on it, of how much of `base` they take; `others` are row by row. */
export const dropsOf = (base: number, others: ReadonlyArray<number>): ReadonlyArray<number> =>
  Array.from({ length: cells * cells }, (_, cell) => {
    const first = Math.floor(cell / cells) * places + (cell % cells)
    return [first, first + 1, first + places, first + places + 1].reduce(
      (sum, place) => sum + (base - (others[place] ?? base)) / 4,
      0
    )
  })

/** What is looked at: a run's model, and what it predicted of the test part. */
export interface OcclusionOptions {
  readonly predictor: Predictor
  readonly config: RunConfig
  readonly labels: ReadonlyArray<string>
  /** In the order of the predictions. */
  readonly samples: ReadonlyArray<Sample>
  readonly predictions: Predictions
  readonly losses: Losses
}

/**
 * Covers parts of the most surprising mistakes, and sees how much of the wrong class's probability that takes: 81 places
 * of 8 photos, 656 predictions in all, and no more of them than fit into `budgetSeconds`.
 *
 * Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014, section 4.2.
 */
export const occlude = Effect.fn("report.occlude")(function* (options: OcclusionOptions) {
  const { config, labels, losses, predictions, predictor, samples } = options
  const { ofPixels } = yield* Thumbnails
  const start = yield* Clock.currentTimeNanos
  const seconds = Effect.map(Clock.currentTimeNanos, (now) => Number(now - start) / 1e9)
  const mistakes = topLosses(
    answers(predictions).filter(({ label, predicted }) => label !== predicted),
    photos
  )
  const chosen = mistakes.map(({ sample }) => samples[sample]!) // as many as predictions
  const found: Array<Occlusion["photos"][number]> = []
  const size = Math.min(64, config.train.batchSize)

  /** The probabilities of a class in the copies; undefined where the time is up. */
  const probabilities = Effect.fnUntraced(function* (copies: Float32Array, batch: Batch, ofClass: number) {
    const { height, width } = batch
    const area = height * width * 3
    const count = copies.length / area
    const values: Array<number> = []
    for (let from = 0; from < count; from += size) {
      if ((yield* seconds) > budgetSeconds) return undefined
      const n = Math.min(size, count - from)
      const images = copies.slice(from * area, (from + n) * area)
      const ids = Array.from({ length: n }, (_, i) => `${from + i}`)
      const part: Batch = { index: 0, images, labels: new Int32Array(n), ids, size: n, height, width }
      const rows = softmax(yield* predictor.predict(part), labels.length)
      for (let i = 0; i < n; i++) values.push(rows[i * labels.length + ofClass]!) // a row for each copy
    }
    return values
  })

  if (chosen.length > 0)
    yield* Stream.runForEachWhile(
      Pipeline.evaluationBatches({ ...config, train: { batchSize: 1 } }, chosen, losses),
      Effect.fnUntraced(function* (batch: Batch) {
        const mistake = mistakes[batch.index]
        if (batch.size === 0 || mistake === undefined) return true
        const values = yield* probabilities(covered(batch.images, batch.height, batch.width), batch, mistake.predicted)
        const picture = yield* ofPixels(denormalise(batch.images, 0, config.image))
        batch.release?.()
        if (values === undefined) return false
        const [base = 0, ...others] = values
        if (picture !== undefined)
          found.push({
            id: chosen[batch.index]!.id, // its place
            label: labels[mistake.label]!, // the prediction's own classes
            predicted: labels[mistake.predicted]!,
            probability: base,
            picture,
            drops: dropsOf(base, others).map((drop) => Number(drop.toFixed(4)))
          })
        return true
      })
    )
  const occlusion: Occlusion = { seconds: yield* seconds, wanted: chosen.length, photos: found }
  return occlusion
})

/** Writes the maps into the run's folder. */
export const writeOcclusion = Effect.fnUntraced(function* (occlusion: Occlusion) {
  const folder = yield* RunFolder
  yield* folder.write("occlusion.json", `${yield* Effect.orDie(Schema.encodeEffect(OcclusionText)(occlusion))}\n`)
})

/** The maps in the run's folder; undefined where it has none: trials and runs of earlier versions have none. */
export const readOcclusion = Effect.gen(function* () {
  const folder = yield* RunFolder
  if (!(yield* folder.has("occlusion.json"))) return undefined
  return yield* Schema.decodeEffect(OcclusionText)(new TextDecoder().decode(yield* folder.read("occlusion.json")))
}).pipe(Effect.orElseSucceed(() => undefined))
