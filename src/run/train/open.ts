import { Effect } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import { lossSettings } from "../../model/lossSettings.ts"
import type { Engine, Freezing } from "../../model/Engine.ts"
import { EngineUnavailable, modelWeights } from "../../model/Engine.ts"
import { Engines } from "../../model/Engines.ts"
import type { OpenFeatures } from "../../model/Features.ts"
import { FeaturesError } from "../../model/Features.ts"
import { weightsDigest } from "../../model/FeatureSpace.ts"
import { featureSession } from "../../model/featureSession.ts"
import { firstTrained, trainedSince } from "../../model/freezing.ts"
import type { NetworkPlan } from "../../model/NetworkPlan.ts"
import type { Frozen } from "../../model/onnx/onnxModel.ts"
import { placeTeachers } from "../../model/placeTeachers.ts"
import { splitAt, untrainable } from "../../model/parts.ts"
import { countParameters, inputShape, parameters } from "../../model/shapes.ts"
import { startBackbone } from "../../model/startBackbone.ts"
import { startWeights } from "../../model/startWeights.ts"
import { teacherOf } from "../../model/TeacherConfig.ts"
import { readTeachers } from "../../model/TeacherModel.ts"
import type { Weights } from "../../model/Tensor.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import { report } from "../../pipeline/Progress.ts"
import { configDigest } from "../configDigest.ts"
import { labelNoiseOf } from "../labelNoise/labelNoiseOf.ts"
import { treated } from "../labelNoise/treated.ts"
import type { RunFolder } from "../RunFolder.ts"
import { openBatches } from "./openBatches.ts"
import type { RunEngine } from "./RunEngine.ts"
import type { PlannedRun } from "./plan.ts"

/**
 * How to go on with a run that cannot use the engine that it began on; its weights are then not the same bit for bit.
 */
const forced =
  "Or go on with what runs here: --resume --engine auto; the weights are then not those of one engine, " +
  "and the history names each epoch's engine."

/** Reports that a trial goes on on another engine than it began on: there is nobody to ask. */
const reportChange = ({ trial }: PlannedRun, { message }: EngineUnavailable | FeaturesError) =>
  report({
    _tag: "Note",
    line: `it goes on on another engine than it began on: ${message}`,
    ...(trial !== undefined && { trial })
  })

/** The engine for a run. A run that has begun keeps its own; a trial keeps it only where it runs here. */
export const openEngine = Effect.fnUntraced(function* (run: PlannedRun) {
  const { config, engineWanted, isBegun, networkPlan, trial } = run
  const { choose } = yield* Engines
  const { device, name } = engineWanted
  const wanted = choose({ ...config.engine, name, device }, networkPlan.smallest)
  if (!isBegun) return yield* wanted
  return yield* Effect.catchTag(wanted, "EngineUnavailable", (error) =>
    trial === undefined
      ? Effect.fail(
          new EngineUnavailable({
            engine: error.engine,
            reason: `${error.reason}. The run began on it, and stays with it`,
            cure: `${error.cure.replace(/\.?$/, ".")} ${forced}`
          })
        )
      : Effect.andThen(reportChange(run, error), choose(config.engine, networkPlan.smallest))
  )
})

/** The stages of what is behind the frozen part, which begins with a block that makes its input flat. */
const stagesOf = ({ stages }: Freezing, at: number): Freezing["stages"] =>
  stages.length === 1
    ? [{ step: 0, from: 0 }]
    : stages.map(({ from, step }) => ({ step, from: from === at ? 0 : from - at + 1 }))

/** The teachers of a complete configuration, and where the classes of the label columns are among their answers. */
const startTeachers = Effect.fnUntraced(function* ({ image, train }: RunConfig, columns: Dataset["columns"]) {
  if (train.teacher === undefined) return []
  const teacher = teacherOf(train.teacher)
  return yield* placeTeachers(yield* readTeachers(teacher, image), columns, teacher)
})

/** The second stage of a run: its data are read, and its network and initial weights are known. */
export const prepareRun = Effect.fn("prepareRun")(function* <
  Run extends {
    readonly config: RunConfig
    readonly networkPlan: NetworkPlan
    readonly former: ReadonlyArray<string>
    /** Where it keeps what it began with; a run without a folder keeps nothing. */
    readonly folder?: RunFolder["Service"]
  }
>(run: Run, dataset: Dataset) {
  const { config, networkPlan } = run
  const { seed, train } = config
  const network = networkPlan.forColumns(dataset.columns)
  const { positions, weights: source } = config.network
  const weights = yield* startWeights(network, seed, source, dataset.columns, positions)
  const backbone = yield* startBackbone(config.network, config.image)
  const teachers = yield* startTeachers(config, dataset.columns)
  const startDigest =
    source === undefined
      ? undefined
      : yield* weightsDigest({ blocks: network.blocks, input: inputShape(network), weights })
  const noise =
    train.labelNoise === undefined
      ? undefined
      : yield* labelNoiseOf(
          config,
          train.labelNoise,
          dataset,
          { network, weights, backbone, weightsDigest: startDigest },
          run.folder
        )
  const training = noise === undefined ? dataset.train : treated(dataset.train, dataset.columns, noise)
  const freezing = networkPlan.freezing(Math.ceil(training.length / train.batchSize))
  const since = trainedSince(network, freezing)
  const all = parameters(network)
  const at = freezing.stages.length > 1 ? untrainable(network) : firstTrained(freezing, 0)
  const { front, tail } = at === 0 ? { front: [], tail: network } : splitAt(network, at)
  const digestOf = (configDigest: string) =>
    [configDigest, dataset.digest, ...(startDigest === undefined ? [] : [startDigest])].join("-")
  return {
    ...run,
    dataset,
    /** The samples as they are trained on: those of the training part, less what label noise leaves out. */
    training,
    /** What became of training labels that are likely wrong; undefined where nothing is to. */
    noise,
    network,
    weights,
    /** The blocks that are frozen for the whole run, if any. */
    frozen: at === 0 ? undefined : ({ blocks: front, input: inputShape(network), weights, backbone } satisfies Frozen),
    /** The bytes of its ONNX file, where it has one. */
    backbone,
    /** The networks that it learns from beside its labels; mostly none. */
    teachers,
    /** The network that an engine trains: the blocks after the frozen part. */
    tail,
    freezing: at === 0 ? freezing : { ...freezing, stages: stagesOf(freezing, at) },
    /** Digest of the initial weights, where they came from a file. */
    weightsDigest: startDigest,
    /** Names the run's configuration and data: a checkpoint of another is not used. */
    digest: digestOf(yield* configDigest(config)),
    /** The same of the configurations that it had before it was trained longer. */
    formerDigests: run.former.map(digestOf),
    /** How many parameters the network has, as PyTorch counts them, and how many of them are ever trained. */
    parameters: countParameters(all),
    trainableParameters: countParameters(all.filter(({ name }) => since.has(name)))
  }
})
export type PreparedRun = Effect.Success<ReturnType<typeof prepareRun<PlannedRun>>>

/**
 * Opens the batches for a run. A run that has begun keeps the engine of its frozen part, as it keeps its own engine.
 */
export const openRunBatches = Effect.fnUntraced(function* (run: PreparedRun, engine: Engine["Service"]) {
  const { config, dataset, engineWanted, frozen, isBegun, teachers, training, trial } = run
  const open = (by?: RunEngine["features"]) => openBatches(engine, config, { dataset, training }, frozen, teachers, by)
  const wanted = open(engineWanted.features)
  if (!isBegun) return yield* wanted
  return yield* Effect.catchIf(
    wanted,
    (error) => error._tag === "FeaturesError" && error.reason === "unavailable",
    (error) =>
      trial === undefined
        ? Effect.fail(
            new FeaturesError({
              engine: error.engine,
              reason: "unavailable",
              detail: `${error.detail.replace(/\.?$/, ".")} The run began on it, and stays with it. ${forced}`
            })
          )
        : Effect.andThen(reportChange(run, error), open())
  )
})

/**
 * The third stage of a run: its network is in an engine's session, with its initial weights.
 *
 * Where a part of the network is frozen for the whole run, `features` apply that part, and the engine has only the
 * blocks after it.
 */
export const openRun = Effect.fn("openRun")(function* <
  Run extends Pick<PreparedRun, "config" | "dataset" | "freezing" | "tail" | "training" | "weights">
>(run: Run, engine: Engine["Service"], features: OpenFeatures | undefined) {
  const { config, dataset, freezing, tail, training, weights } = run
  const { seed, train } = config
  const behind = yield* engine.open({
    network: tail,
    weights,
    optimizer: train.optimizer,
    freezing,
    ...lossSettings(train, dataset.columns, labelColumnsOf(config.data), training),
    clipNorm: train.clipNorm,
    clipValue: train.clipValue,
    average: train.average,
    seed
  })
  const session = features === undefined ? behind : featureSession(behind, features)
  return {
    ...run,
    engine,
    session,
    /** The weights of the whole network; those of the frozen part are the initial ones. */
    modelWeights: Effect.map(session.snapshot, (state): Weights =>
      features === undefined ? modelWeights(state) : new Map([...weights, ...modelWeights(state)])
    )
  }
})
export type OpenRun = Effect.Success<ReturnType<typeof openRun<PreparedRun>>>
