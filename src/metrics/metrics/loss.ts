import { lossOf } from "../Evaluation.ts"
import type { PredictionMetric } from "./Metric.ts"

/**
 * Mean cross-entropy of the model as it is used: with its temperature, where it has one. Where it is shown, `namedLosses`
 * puts the loss without the temperature beside it.
 */
export const loss: PredictionMetric<"loss", "nullable"> = {
  path: "loss",
  presence: "nullable",
  title: "loss",
  meaning:
    "mean cross-entropy, without label smoothing and class weights; in a column with several values, the binary one, over samples and classes",
  source: "PyTorch's `cross_entropy` and `BCEWithLogitsLoss`",
  range: [0, Infinity],
  better: "lower",
  unit: "nats",
  decimals: 4,
  shown: [],
  of: "predictions",
  value: lossOf,
  several: lossOf
}
