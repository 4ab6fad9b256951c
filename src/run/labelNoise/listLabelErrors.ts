import { Effect, Schema } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import { LabelNoiseConfig } from "../../model/LabelNoiseConfig.ts"
import { networkFor } from "../../model/networks.ts"
import { startBackbone } from "../../model/startBackbone.ts"
import { startWeights } from "../../model/startWeights.ts"
import { classesText } from "../../pipeline/LabelColumn.ts"
import { ledgerCounts, sumText } from "../../pipeline/Ledger.ts"
import { report } from "../../pipeline/Progress.ts"
import { picturesUnder } from "../report/writePages.ts"
import { completeConfig } from "../train/completeConfig.ts"
import { trainingData } from "../train/trainingData.ts"
import { labelErrorsCsv } from "./labelErrorsCsv.ts"
import { labelErrorsPage } from "./labelErrorsPage.ts"
import { checkLabelNoise, unlikelyLabels } from "./unlikelyLabels.ts"

const usual = Schema.decodeSync(LabelNoiseConfig)({})

/**
 * The worst training labels of a catalogue, at most `most` of each label column: those that are likely wrong, and then those
 * that are predicted as another class, which the classifier's doubt may explain; of both, the least probable first. With a page of their photos, and a CSV that `data.corrections` reads. Nothing is trained, and no run is left.
 *
 * Folds are those of `train.labelNoise`, or its usual ones.
 */
export const listLabelErrors = Effect.fn("listLabelErrors")(function* (configured: RunConfig, most: number) {
  const where = "--label-errors"
  yield* checkLabelNoise(configured, where)
  const complete = yield* completeConfig(configured)
  const labelNoise = complete.train.labelNoise ?? usual
  const config: RunConfig = { ...complete, train: { ...complete.train, labelNoise } }
  const dataset = yield* trainingData(config)
  yield* report({
    _tag: "Note",
    line: `${sumText(ledgerCounts(dataset.ledger))}; ${classesText(dataset.columns)}: ${dataset.train.length} training photos to judge`
  })
  const network = yield* networkFor(config.network, { ...config.image, classes: dataset.classes.length })
  const weights = yield* startWeights(network, config.seed, config.network.weights, dataset.columns)
  const backbone = yield* startBackbone(config.network, config.image)
  const judged = yield* unlikelyLabels(config, dataset, { network, weights, backbone }, labelNoise.folds, where)
  const columns = judged.map(({ doubtful, errors, noise }) => ({
    ...noise,
    labels: [
      ...errors.map((one) => ({ ...one, isLikely: true })),
      ...doubtful.map((one) => ({ ...one, isLikely: false }))
    ].slice(0, most)
  }))
  const pictures = yield* picturesUnder(
    dataset.root,
    config,
    columns.flatMap(({ labels }) => labels)
  )
  return {
    found: {
      network: network.name,
      weights: config.network.weights,
      folds: labelNoise.folds,
      train: dataset.train.length,
      columns
    },
    csv: labelErrorsCsv(columns.flatMap(({ labels }) => labels)),
    page: yield* labelErrorsPage({
      name: config.name,
      network: network.name,
      folds: labelNoise.folds,
      columns,
      pictures
    })
  }
}, Effect.scoped)
export type ListedLabelErrors = Effect.Success<ReturnType<typeof listLabelErrors>>["found"]
