import { Effect } from "effect"
import { classWeightsOf } from "../model/classWeights.ts"
import type { Engine } from "../model/Engine.ts"
import { modelWeights } from "../model/Engine.ts"
import { weightsDigest } from "../model/FeatureSpace.ts"
import { featureSession } from "../model/featureSession.ts"
import { firstTrained, trainedSince } from "../model/freezing.ts"
import type { Network } from "../model/Network.ts"
import { freezingOf, splitAt } from "../model/parts.ts"
import { inputShape, parameters } from "../model/shapes.ts"
import { startWeights } from "../model/startWeights.ts"
import { sizeOf } from "../model/Tensor.ts"
import type { Weights } from "../model/Tensor.ts"
import type { Dataset } from "../pipeline/Dataset.ts"
import * as Pipeline from "../pipeline/Pipeline.ts"
import type { RunConfig } from "../RunConfig.ts"
import { featureBatches } from "./featureBatches.ts"
import { openFeatures } from "./openFeatures.ts"

/**
 * A run's network in a session of its engine, with the weights that it begins with, and the batches that it learns from.
 *
 * Where a part of the network is frozen for the whole run, that part is applied by `Features`, whose results are kept,
 * and the session holds what stands behind it alone.
 */
export const openLearner = Effect.fn("openLearner")(function* (
  engine: Engine["Service"],
  network: Network,
  config: RunConfig,
  dataset: Dataset
) {
  const { seed, train } = config
  const freezing = yield* freezingOf(network, config.network, train, Math.ceil(dataset.train.length / train.batchSize))
  const weights = yield* startWeights(network, seed, config.network.weights)
  const open = (part: Network, freezing: Effect.Success<ReturnType<typeof freezingOf>>) =>
    engine.open({
      network: part,
      weights,
      optimizer: train.optimizer,
      freezing,
      labelSmoothing: train.labelSmoothing,
      classWeights: classWeightsOf(train.classWeights, dataset.train, dataset.classes.length),
      clipNorm: train.clipNorm,
      clipValue: train.clipValue,
      ema: train.ema,
      seed
    })
  const since = trainedSince(network, freezing)
  const all = parameters(network)
  const facts = {
    /** Of the tensors that the run begins with, where they came from a file. */
    weightsDigest:
      config.network.weights === undefined
        ? undefined
        : yield* weightsDigest({ blocks: network.blocks, input: inputShape(network), weights }),
    /** How many numbers the network has, and how many of them are ever trained. */
    parameters: count(all),
    trainableParameters: count(all.filter(({ name }) => since.has(name)))
  }
  const at = firstTrained(freezing, 0)
  if (at === 0 || freezing.stages.length > 1) {
    const session = yield* open(network, freezing)
    return {
      ...facts,
      session,
      trainingBatches: (epoch: number, from: number) => Pipeline.trainingBatches(config, dataset.train, epoch, from),
      evaluationBatches: (part: "validation" | "test") => Pipeline.evaluationBatches(config, dataset[part]),
      weights: Effect.map(session.snapshot, modelWeights)
    }
  }
  const { front, tail } = splitAt(network, at)
  const frozen = { blocks: front, input: inputShape(network), weights }
  const features = yield* openFeatures(engine, config.features, frozen)
  const behind = yield* open(tail, { ...freezing, stages: [{ step: 0, from: 0 }] })
  const session = featureSession(behind, features)
  const batches = yield* featureBatches(config, features, frozen)
  return {
    ...facts,
    session,
    trainingBatches: (epoch: number, from: number) => batches.training(dataset.train, epoch, from),
    evaluationBatches: (part: "validation" | "test") => batches.evaluation(dataset[part]),
    /** Of the whole network: those that were frozen are the ones that it began with. */
    weights: Effect.map(session.snapshot, (state): Weights => new Map([...weights, ...modelWeights(state)]))
  }
})

const count = (tensors: ReadonlyArray<{ readonly shape: ReadonlyArray<number> }>) =>
  tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
