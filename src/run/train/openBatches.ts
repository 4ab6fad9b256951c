import { Effect, Layer } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import { Engine } from "../../model/Engine.ts"
import * as EngineFeatures from "../../model/EngineFeatures.ts"
import { Features } from "../../model/Features.ts"
import type { FeaturesName, OpenFeatures } from "../../model/Features.ts"
import type { FeaturesConfig } from "../../model/Features.ts"
import type { Frozen } from "../../model/onnx/onnxModel.ts"
import { rememberFeatures } from "../../model/rememberFeatures.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import { makeLosses } from "../../pipeline/Losses.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import { report } from "../../pipeline/Progress.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import type { PlacedTeacher } from "../../model/placeTeachers.ts"
import { featureBatches, runTeacher, taughtBatches } from "./featureBatches.ts"
import type { RunEngine } from "./RunEngine.ts"

/** Opens the frozen part of a network, or a whole one that is not trained, in the configured engine; a note names it. */
const openFeatures = Effect.fn("openFeatures")(function* (
  engine: Engine["Service"],
  config: FeaturesConfig,
  frozen: Frozen,
  what = `${frozen.blocks.length} blocks are frozen, and`
) {
  const own = Effect.gen(function* () {
    const context = yield* Layer.build(EngineFeatures.layer.pipe(Layer.provide(Layer.succeed(Engine, engine))))
    const features = yield* Features.pipe(Effect.provideContext(context))
    return yield* features.open(frozen)
  })
  const other = (by?: FeaturesName) => Features.use((features) => features.open(frozen, by))
  const best = other().pipe(
    Effect.catchTag("FeaturesError", (error) =>
      error.reason === "unavailable" && !isOnnx
        ? Effect.andThen(report({ _tag: "Note", line: `${error.message}; the engine that trains applies them` }), own)
        : Effect.fail(error)
    )
  )
  const isOnnx = frozen.blocks.some(({ _tag }) => _tag === "Onnx")
  const isOnGpu = !engine.info.device.startsWith("CPU") && !isOnnx
  const by = config.engine === "auto" && isOnGpu ? "engine" : config.engine
  const opened = yield* by === "engine" ? own : by === "auto" ? best : other(by)
  yield* report({ _tag: "Note", line: `${what} applied by ${opened.key}` })
  return opened
})

/** The parts of a catalogue that are for measuring. */
type Measured = "validation" | "test"

/**
 * The batches that learners with the same frozen part and teachers are trained and measured on; of images, where no part
 * is frozen for the whole run. The frozen part and the teachers are applied by `Features`, whose results are cached.
 */
export const openBatches = Effect.fn("openBatches")(function* (
  engine: Engine["Service"],
  config: RunConfig,
  { dataset, training }: { readonly dataset: Dataset; readonly training: ReadonlyArray<Sample> },
  frozen: Frozen | undefined,
  teachers: ReadonlyArray<PlacedTeacher>,
  by: RunEngine["features"] = config.features.engine
) {
  const wanted = { ...config.features, engine: by }
  const open = yield* Effect.forEach(teachers, (teacher) =>
    Effect.map(openFeatures(engine, wanted, teacher.frozen, `the teacher ${teacher.source} is`), (opened) => ({
      teacher,
      opened
    }))
  )
  const [first] = open
  const taught = first === undefined ? undefined : yield* runTeacher(config, open)
  const losses = makeLosses(dataset, config.data)
  const images = (part: Measured) => Pipeline.evaluationBatches(config, dataset[part], losses)
  if (frozen === undefined)
    return {
      features: undefined,
      applied: first?.opened,
      losses,
      training: (epoch: number, from: number) => {
        const batches = Pipeline.trainingBatches(config, training, losses, epoch, from)
        if (taught === undefined) return batches
        const samples = Pipeline.epochSamples(config, training, epoch)
        return taughtBatches(taught, samples, config.train.batchSize, epoch, batches)
      },
      evaluation: images,
      images
    }
  const features: OpenFeatures = rememberFeatures(yield* openFeatures(engine, wanted, frozen))
  const batches = yield* featureBatches(config, features, frozen, losses, taught)
  return {
    features,
    /** What applies the networks that are not trained: a frozen part, or a teacher. */
    applied: features,
    /** The samples that have left: the same for all runs that are given these batches. */
    losses,
    training: (epoch: number, from: number) => batches.training(training, epoch, from),
    evaluation: (part: Measured) => batches.evaluation(dataset[part]),
    /** Batches without features, for predictors that also see the mirror image: its features differ. */
    images
  }
})
export type OpenBatches = Effect.Success<ReturnType<typeof openBatches>>
