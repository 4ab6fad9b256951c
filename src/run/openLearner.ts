import { Effect } from "effect"
import { classWeightsOf } from "../model/classWeights.ts"
import type { Engine } from "../model/Engine.ts"
import type { Network } from "../model/Network.ts"
import { freezingOf } from "../model/parts.ts"
import { trainedSince } from "../model/freezing.ts"
import { parameters } from "../model/shapes.ts"
import { startWeights } from "../model/startWeights.ts"
import { sizeOf } from "../model/Tensor.ts"
import type { Dataset } from "../pipeline/Dataset.ts"
import type { RunConfig } from "../RunConfig.ts"

/** A run's network in a session of its engine, with the weights that it begins with. */
export const openLearner = Effect.fn("openLearner")(function* (
  engine: Engine["Service"],
  network: Network,
  config: RunConfig,
  dataset: Dataset
) {
  const { seed, train } = config
  const freezing = yield* freezingOf(network, config.network, train, Math.ceil(dataset.train.length / train.batchSize))
  const session = yield* engine.open({
    network,
    weights: yield* startWeights(network, seed, config.network.weights),
    optimizer: train.optimizer,
    freezing,
    labelSmoothing: train.labelSmoothing,
    classWeights: classWeightsOf(train.classWeights, dataset.train, dataset.classes.length),
    clipNorm: train.clipNorm,
    clipValue: train.clipValue,
    seed
  })
  const since = trainedSince(network, freezing)
  const all = parameters(network)
  return {
    session,
    /** How many numbers the network has, and how many of them are ever trained. */
    parameters: count(all),
    trainableParameters: count(all.filter(({ name }) => since.has(name)))
  }
})

const count = (tensors: ReadonlyArray<{ readonly shape: ReadonlyArray<number> }>) =>
  tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
