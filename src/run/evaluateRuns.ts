import { Effect } from "effect"
import type { CalibrationFigures } from "../metrics/calibration.ts"
import type { TestReport } from "../metrics/Report.ts"
import { testReport } from "../metrics/Report.ts"
import { measure } from "../model/measure.ts"
import { decodeModel } from "../model/Model.ts"
import { predictorOf } from "../model/Predictor.ts"
import * as Pipeline from "../pipeline/Pipeline.ts"
import type { RunConfig } from "../RunConfig.ts"
import type { PredictorName } from "./openPredictor.ts"
import { openEngine, openPredictor } from "./openPredictor.ts"
import { RunError } from "./RunError.ts"
import { RunFolder } from "./RunFolder.ts"

/** Of a reliability curve, where the configuration says nothing: Guo et al., 2017. */
const defaultBins = 15

/** The parts of a split. */
export type Part = "train" | "validation" | "test"

/**
 * Measures a run's model on a part of its catalogue again; without augmentation, whichever part it is.
 *
 * On the engine that the run's configuration chooses, where no other one is named. The catalogue must still have the classes that the model knows; otherwise it fails and says which are new or gone.
 */
export const evaluateRun = Effect.fn("evaluateRun")(function* (config: RunConfig, part: Part, engine?: PredictorName) {
  const folder = yield* RunFolder
  const model = yield* decodeModel(yield* folder.read("model/model.safetensors"), folder.path)
  const { predictor } =
    engine === undefined ? yield* openEngine(config.engine, model) : yield* openPredictor(config.engine, model, engine)
  const dataset = yield* Pipeline.dataset(config)
  const missing = model.labels.filter((label) => !dataset.classes.includes(label))
  const added = dataset.classes.filter((label) => !model.labels.includes(label))
  if (missing.length + added.length > 0)
    return yield* new RunError({
      run: folder.path,
      detail:
        "the catalogue no longer has the classes that this model was trained on" +
        (missing.length > 0 ? `; gone: ${missing.join(", ")}` : "") +
        (added.length > 0 ? `; new: ${added.join(", ")}` : "")
    })
  const samples = dataset[part]
  const classes = model.labels.length
  const { temperature } = model.calibration ?? {}
  const { calibration, evaluation } = yield* measure(
    predictorOf(predictor, config.evaluate, classes),
    Pipeline.evaluationBatches({ ...config, image: model.image }, samples),
    { part, samples: samples.length, classes },
    temperature === undefined ? undefined : { temperature, bins: config.calibration?.bins ?? defaultBins }
  )
  return {
    part,
    samples: samples.length,
    dataDigest: dataset.digest,
    report: testReport(evaluation, model.labels),
    ...(temperature !== undefined && calibration && { calibration: { temperature, ...calibration } })
  } satisfies {
    part: Part
    samples: number
    dataDigest: string
    report: TestReport | null
    calibration?: CalibrationFigures & { temperature: number }
  }
}, Effect.scoped)
