import { Effect } from "effect"
import { classWeightsOf } from "../../model/classWeights.ts"
import type { Engine } from "../../model/Engine.ts"
import { modelWeights } from "../../model/Engine.ts"
import type { OpenFeatures } from "../../model/Features.ts"
import { weightsDigest } from "../../model/FeatureSpace.ts"
import { featureSession } from "../../model/featureSession.ts"
import { firstTrained, trainedSince } from "../../model/freezing.ts"
import type { Network } from "../../model/Network.ts"
import type { Frozen } from "../../model/onnx/onnxModel.ts"
import { freezingOf, splitAt } from "../../model/parts.ts"
import { countParameters, inputShape, parameters } from "../../model/shapes.ts"
import { startWeights } from "../../model/startWeights.ts"
import type { Weights } from "../../model/Tensor.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import type { RunConfig } from "../../config/RunConfig.ts"

/** What a run's learning begins with: its network in two parts, its weights, and what is known of them. */
export const beginLearner = Effect.fn("beginLearner")(function* (
  network: Network,
  config: RunConfig,
  dataset: Dataset
) {
  const { seed, train } = config
  const freezing = yield* freezingOf(network, config.network, train, Math.ceil(dataset.train.length / train.batchSize))
  const weights = yield* startWeights(network, seed, config.network.weights)
  const since = trainedSince(network, freezing)
  const all = parameters(network)
  const at = freezing.stages.length > 1 ? 0 : firstTrained(freezing, 0)
  const { front, tail } = at === 0 ? { front: [], tail: network } : splitAt(network, at)
  return {
    network,
    config,
    dataset,
    weights,
    /** What is frozen for the whole run, if anything is. */
    frozen: at === 0 ? undefined : ({ blocks: front, input: inputShape(network), weights } satisfies Frozen),
    /** The network that an engine trains: what stands behind the frozen part. */
    tail,
    freezing: at === 0 ? freezing : { ...freezing, stages: [{ step: 0, from: 0 }] },
    /** Of the tensors that the run begins with, where they came from a file. */
    weightsDigest:
      config.network.weights === undefined
        ? undefined
        : yield* weightsDigest({ blocks: network.blocks, input: inputShape(network), weights }),
    /** How many parameters the network has, as PyTorch counts them, and how many of them are ever trained. */
    parameters: countParameters(all),
    trainableParameters: countParameters(all.filter(({ name }) => since.has(name)))
  }
})
export type Beginning = Effect.Success<ReturnType<typeof beginLearner>>

/**
 * A run's network in a session of its engine, with the weights that it begins with.
 *
 * Where a part of the network is frozen for the whole run, that part is applied by `features`, and the engine holds what
 * stands behind it alone.
 */
export const openLearner = Effect.fn("openLearner")(function* (
  engine: Engine["Service"],
  beginning: Beginning,
  features: OpenFeatures | undefined
) {
  const { dataset, freezing, tail, weights } = beginning
  const { seed, train } = beginning.config
  const behind = yield* engine.open({
    network: tail,
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
  const session = features === undefined ? behind : featureSession(behind, features)
  return {
    ...beginning,
    session,
    /** Of the whole network: those that were frozen are the ones that it began with. */
    modelWeights: Effect.map(session.snapshot, (state): Weights =>
      features === undefined ? modelWeights(state) : new Map([...weights, ...modelWeights(state)])
    )
  }
})
export type OpenLearner = Effect.Success<ReturnType<typeof openLearner>>
