import { elementAt } from "../../pipeline/elementAt.ts"
import { Effect, Stream } from "effect"
import type { Report } from "../../metrics/Report.ts"
import type { Model } from "../../model/Model.ts"
import { predictorOf } from "../../model/Predictor.ts"
import type { Predictor } from "../../model/Predictor.ts"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import { columnsOf } from "../../model/StoredPredictions.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import { makeLosses } from "../../pipeline/Losses.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { cannot, checkOf, differs } from "./Check.ts"
import type { Difference } from "./Check.ts"

/** Tolerance of logits from two engines in float32, or from one engine whose kernels depend on the processor. */
const tolerance = 1e-4

/** GPUs multiply in TensorFloat-32, with ten bits behind the point. */
const gpuTolerance = 1e-2

/** Evenly spaced indices of a list, all where there are no more than `most`. */
const spread = (length: number, most: number) =>
  length <= most
    ? Array.from({ length }, (_, i) => i)
    : Array.from({ length: most }, (_, i) => Math.floor((i * length) / most))

const isCpu = (device: string) => device.startsWith("CPU")

/** The engine that predicts now. */
export interface Again {
  readonly device: string
  readonly name: string
  readonly predictor: Predictor
}

/**
 * Predicts samples of a part again, and compares the logits with the stored ones.
 *
 * A row agrees where no logit is farther off than the tolerance times its largest one (times 1 at least). Samples whose
 * file is missing or has changed are left out: `checkData` reports them.
 */
export const checkPredictions = Effect.fn("verify.predictions")(function* (
  config: RunConfig,
  report: Report,
  model: Model,
  dataset: Dataset,
  stored: StoredPredictions,
  again: Again,
  most: number
) {
  const what = `${stored.part} predictions`
  const columns = columnsOf(stored)
  const names = columns.flatMap((column) =>
    stored.columns === undefined ? column.classes : column.classes.map((label) => `${column.name}.${label}`)
  )
  const classes = names.length
  const now = new Map(dataset[stored.part].map((sample) => [sample.id, sample]))
  const rows = spread(stored.samples.length, most).flatMap((row) => {
    const { digest, id } = elementAt(stored.samples, row)
    const sample = now.get(id)
    return sample?.digest === digest ? [{ row, sample }] : []
  })
  if (rows.length === 0) return cannot(what, "no sample's file is still the one that was predicted")
  if (model.network.classes !== classes)
    return differs(what, `the model has ${model.network.classes} classes, and the predictions have ${classes}`)
  const allowed = isCpu(again.device) && isCpu(report.engine.device) ? tolerance : gpuTolerance
  const { predict } = predictorOf(again.predictor, config.evaluate, columns)
  const apart: Array<Difference> = []
  let farthest = 0
  const samples = rows.map(({ sample }) => sample)
  const rowOf = new Map(rows.map(({ row, sample }) => [sample.id, row]))
  // Each is reported below; no budget of faulty rows applies here.
  const losses = makeLosses(dataset, { ...config.data, maxRefused: 1 })
  yield* Pipeline.evaluationBatches({ ...config, image: model.image }, samples, losses).pipe(
    Stream.runForEach(
      Effect.fnUntraced(function* (batch) {
        for (const { detail, id } of batch.lost ?? []) apart.push({ at: id, expected: "the image", found: detail })
        if (batch.size === 0) return
        const logits = yield* predict(batch)
        batch.release?.()
        for (const [i, id] of batch.ids.entries()) {
          const row = rowOf.get(id)! // a batch's samples are of these
          const before = stored.logits.subarray(row * classes, (row + 1) * classes)
          const largest = before.reduce((most, logit) => Math.max(most, Math.abs(logit)), 1)
          for (const [c, logit] of before.entries()) {
            const found = elementAt(logits, i * classes + c)
            const distance = Object.is(logit, found) ? 0 : Math.abs(logit - found) / largest
            if (distance <= allowed) farthest = Math.max(farthest, distance)
            else {
              apart.push({ at: `${id}.${names[c]}`, expected: String(logit), found: String(found) })
              break
            }
          }
        }
      })
    )
  )
  return checkOf(
    what,
    `logits of ${rows.length} of ${stored.samples.length} samples from the weights again, by ${again.name}, ` +
      `to ${allowed} of the largest; those that agree are ${farthest.toExponential(1)} apart at most`,
    apart
  )
})
