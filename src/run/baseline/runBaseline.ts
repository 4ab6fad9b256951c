import { Clock, Effect } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import { ConfigError } from "../../config/RunConfig.ts"
import { networkFor } from "../../model/networks.ts"
import { startBackbone } from "../../model/startBackbone.ts"
import { startWeights } from "../../model/startWeights.ts"
import { ledgerCounts, sumText } from "../../pipeline/Ledger.ts"
import { makeLosses } from "../../pipeline/Losses.ts"
import { hasOneLabel, labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import { report } from "../../pipeline/Progress.ts"
import { embedSamples, openEmbedding } from "../similar/embed.ts"
import { completeConfig } from "../train/completeConfig.ts"
import { trainingData } from "../train/trainingData.ts"
import { measureBaseline } from "./measureBaseline.ts"

/**
 * A baseline on a configuration's catalogue: features by its network's trained weights, computed once and cached, and two
 * classifiers of them. Nothing is trained but these, and no run is left.
 */
export const runBaseline = Effect.fn("runBaseline")(function* (configured: RunConfig) {
  if (configured.network.weights === undefined)
    return yield* new ConfigError({
      where: "network.weights",
      problems: [
        "a baseline needs trained weights: set them, such as network.name=mobilenet-v2 and network.weights=hf:timm/mobilenetv2_100.ra_in1k"
      ]
    })
  if (!hasOneLabel(labelColumnsOf(configured.data)))
    return yield* new ConfigError({
      where: "data.columns.label",
      problems: ["a baseline is of one label column with one value in a cell: name one, such as --label articleType"]
    })
  const begun = yield* Clock.currentTimeNanos
  const config = yield* completeConfig(configured)
  const dataset = yield* trainingData(config)
  const { classes, ledger, test, train, validation } = dataset
  yield* report({
    _tag: "Note",
    line:
      `${sumText(ledgerCounts(ledger))}; ${classes.length} classes: ` +
      `${train.length} to look at, ${validation.length} to choose by, ${test.length} to test`
  })
  const network = yield* networkFor(config.network, { ...config.image, classes: classes.length })
  const weights = yield* startWeights(network, config.seed, config.network.weights, dataset.columns)
  const backbone = yield* startBackbone(config.network, config.image)
  const embedding = yield* openEmbedding({ network, weights, backbone })
  yield* report({ _tag: "Note", line: `features by ${embedding.opened.key}` })
  const losses = makeLosses(dataset, config.data)
  const embed = (part: "train" | "validation" | "test") => embedSamples(config, embedding, dataset[part], losses, part)
  const parts = {
    classes,
    train: yield* embed("train"),
    validation: yield* embed("validation"),
    test: yield* embed("test")
  }
  const embedded = yield* Clock.currentTimeNanos
  const found = yield* measureBaseline(parts)
  const end = yield* Clock.currentTimeNanos
  return {
    network: network.name,
    weights: config.network.weights,
    data: {
      ...ledgerCounts(ledger),
      classes: classes.length,
      train: parts.train.ids.length,
      validation: parts.validation.ids.length,
      test: parts.test.ids.length
    },
    ...found,
    /** Of reading the catalogue and computing features, and of the two classifiers. */
    featureSeconds: Number(embedded - begun) / 1e9,
    seconds: Number(end - embedded) / 1e9
  }
}, Effect.scoped)
export type BaselineResult = Effect.Success<ReturnType<typeof runBaseline>>
