import { Clock, Effect } from "effect"
import type { EpochRecord, Report } from "../metrics/Report.ts"
import { testReport } from "../metrics/Report.ts"
import type { Engine } from "../model/Engine.ts"
import { calibrate, figuresOf, predictAll } from "../model/measure.ts"
import { encodeModel } from "../model/Model.ts"
import type { Network } from "../model/Network.ts"
import { predictorOf } from "../model/Predictor.ts"
import { encodePredictions } from "../model/StoredPredictions.ts"
import type { Dataset } from "../pipeline/Dataset.ts"
import { countByReason } from "../pipeline/Ledger.ts"
import * as Pipeline from "../pipeline/Pipeline.ts"
import { pathFrom } from "../pipeline/Rows.ts"
import { report } from "../Progress.ts"
import type { RunConfig } from "../RunConfig.ts"
import { configDigest } from "./configDigest.ts"
import { Machine } from "./Machine.ts"
import type { openLearner } from "./openLearner.ts"
import { RunFolder } from "./RunFolder.ts"

/** A run whose training is done. */
export interface TrainedRun {
  /** As `resolveConfig` left it. */
  readonly config: RunConfig
  readonly dataset: Dataset
  readonly engine: Engine["Service"]
  readonly network: Network
  readonly learner: Effect.Success<ReturnType<typeof openLearner>>
  readonly trained: {
    readonly history: ReadonlyArray<EpochRecord>
    readonly chosenEpoch: number
    readonly stoppedEarly: boolean
  }
  /** When the run began, in milliseconds. */
  readonly start: number
}

/** Measures what a run has trained, and leaves its history, its predictions, its model and its report in the folder. */
export const finishRun = Effect.fn("finishRun")(function* (run: TrainedRun) {
  const { config, dataset, engine, learner, network, start } = run
  const { chosenEpoch, history, stoppedEarly } = run.trained
  const { session, weightsDigest } = learner
  const { classes, ledger } = dataset
  const folder = yield* RunFolder
  const counts = { listed: ledger.listed, kept: ledger.kept, refused: countByReason(ledger.refusals) }
  yield* folder.write("history.jsonl", history.map((record) => `${JSON.stringify(record)}\n`).join(""))
  if (stoppedEarly)
    yield* report({ _tag: "Note", line: `stopped early: epoch ${chosenEpoch} stays the best of ${history.length}` })

  const predictor = predictorOf(session, config.evaluate, classes.length)
  const predicted = Effect.fnUntraced(function* (part: "validation" | "test") {
    const samples = dataset[part]
    const found = yield* predictAll(
      predictor,
      // A second look at an image needs the image, whatever is known of the first.
      config.evaluate.tta === "none" ? learner.evaluationBatches(part) : Pipeline.evaluationBatches(config, samples),
      { part, samples: samples.length, classes: classes.length }
    )
    const stored = samples.map(({ digest, id, label, path }) => ({
      id,
      file: pathFrom(dataset.root, path),
      digest,
      label
    }))
    yield* folder.write(
      `predictions/${part}.safetensors`,
      encodePredictions({ part, labels: classes, samples: stored, logits: found.logits })
    )
    return found
  })
  const validated = yield* predicted("validation")
  const fitted = config.calibration && calibrate(validated, config.calibration)
  const { calibration, evaluation } = figuresOf(yield* predicted("test"), fitted)
  yield* folder.write(
    "model/model.safetensors",
    encodeModel({
      network,
      labels: classes,
      image: config.image,
      weights: yield* learner.weights,
      calibration: fitted && { kind: "temperature", temperature: fitted.temperature }
    })
  )
  const machine = yield* Machine
  const seconds = ((yield* Clock.currentTimeMillis) - start) / 1000
  const finished: Report = {
    data: {
      ...counts,
      classes: classes.length,
      train: dataset.train.length,
      validation: dataset.validation.length,
      test: dataset.test.length
    },
    model: {
      network: network.name,
      head: network.name === "simple-cnn" ? null : config.network.head,
      parameters: learner.parameters,
      trainableParameters: learner.trainableParameters
    },
    history,
    chosenEpoch,
    test: testReport(evaluation, classes),
    ...(fitted && {
      calibration: {
        temperature: fitted.temperature,
        bins: fitted.bins,
        validation: fitted.figures,
        test: calibration ?? null
      }
    }),
    engine: engine.info,
    seconds,
    receipt: {
      dataDigest: dataset.digest,
      configDigest: yield* configDigest(config),
      ...(weightsDigest !== undefined && { weightsDigest }),
      ledger: counts,
      versions: { ...machine.versions, ...engine.info.versions },
      seeds: { run: config.seed, ...(config.data.sample && { sample: config.data.sample.seed }) },
      machine: { platform: machine.platform, arch: machine.arch, cpus: machine.cpus, memory: machine.memory }
    }
  }
  yield* folder.write("report.json", `${JSON.stringify(finished, null, 2)}\n`)
  return finished
})
