import { Clock, Effect, Schema } from "effect"
import type { Report } from "../metrics/Report.ts"
import { testReport } from "../metrics/Report.ts"
import { Machine } from "./Machine.ts"
import { Engines } from "../model/Engines.ts"
import { freezingOf } from "../model/parts.ts"
import { calibrate, measure } from "../model/measure.ts"
import { encodeModel } from "../model/Model.ts"
import { predictorOf } from "../model/Predictor.ts"
import { networkFor } from "../model/networks.ts"
import { train } from "../model/Training.ts"
import { countByReason, countFaults, RefusalLines } from "../pipeline/Ledger.ts"
import * as Pipeline from "../pipeline/Pipeline.ts"
import { report } from "../Progress.ts"
import { configDigest } from "./configDigest.ts"
import { openLearner } from "./openLearner.ts"
import type { RunConfig } from "../RunConfig.ts"
import { resolveConfig } from "./resolveConfig.ts"
import { RunFolder } from "./RunFolder.ts"

/**
 * A whole run: from a catalogue to a trained, measured network, and everything that the run folder keeps of it.
 *
 * Goes on from the folder's newest checkpoint, where there is one of the same configuration and data.
 */
export const trainRun = Effect.fn("trainRun")(function* (configured: RunConfig) {
  const folder = yield* RunFolder
  const start = yield* Clock.currentTimeMillis
  const config = yield* resolveConfig(configured)
  yield* folder.write("config.json", `${JSON.stringify(config, null, 2)}\n`)

  // A network or a block that is none or an engine that cannot run is known before the first image is read.
  const { engine: engineConfig, image, seed } = config
  const anyClasses = yield* networkFor(config.network, { ...image, classes: 2 })
  yield* freezingOf(anyClasses, config.network, config.train, 1)
  const engine = yield* Engines.use((engines) => engines.choose(engineConfig, anyClasses))

  const dataset = yield* Pipeline.dataset(config)
  const { classes, ledger } = dataset
  yield* folder.write("ledger.jsonl", yield* Effect.orDie(Schema.encodeEffect(RefusalLines)(ledger.refusals)))
  yield* report({
    _tag: "Note",
    line:
      `${ledger.kept} of ${ledger.listed} rows kept, ${classes.length} classes: ` +
      `${dataset.train.length} to train on, ${dataset.validation.length} to validate, ${dataset.test.length} to test`
  })

  const network = yield* networkFor(config.network, { ...image, classes: classes.length })
  const learner = yield* openLearner(engine, network, config, dataset)
  const { session, trainingBatches, weightsDigest } = learner
  const counts = { listed: ledger.listed, kept: ledger.kept, refused: countByReason(ledger.refusals) }
  const digest = yield* configDigest(config)
  const { chosenEpoch, history, stoppedEarly } = yield* train({
    session,
    config: config.train,
    classes: classes.length,
    samples: { train: dataset.train.length, validation: dataset.validation.length },
    trainingBatches,
    validationBatches: learner.evaluationBatches("validation"),
    digest: [digest, dataset.digest, ...(weightsDigest === undefined ? [] : [weightsDigest])].join("-"),
    ledger: counts,
    faults: countFaults(ledger.refusals)
  })
  yield* folder.write("history.jsonl", history.map((record) => `${JSON.stringify(record)}\n`).join(""))
  if (stoppedEarly)
    yield* report({ _tag: "Note", line: `stopped early: epoch ${chosenEpoch} stays the best of ${history.length}` })

  const predictor = predictorOf(session, config.evaluate, classes.length)
  const measured = (part: "validation" | "test") =>
    [
      predictor,
      // A second look at an image needs the image, whatever is known of the first.
      config.evaluate.tta === "none"
        ? learner.evaluationBatches(part)
        : Pipeline.evaluationBatches(config, dataset[part]),
      { part, samples: dataset[part].length, classes: classes.length }
    ] as const
  const fitted = config.calibration && (yield* calibrate(...measured("validation"), config.calibration))
  const { calibration, evaluation } = yield* measure(...measured("test"), fitted)
  yield* folder.write(
    "model/model.safetensors",
    encodeModel({
      network,
      labels: classes,
      image,
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
      configDigest: digest,
      ...(weightsDigest !== undefined && { weightsDigest }),
      ledger: counts,
      versions: { ...machine.versions, ...engine.info.versions },
      seeds: { run: seed, ...(config.data.sample && { sample: config.data.sample.seed }) },
      machine: { platform: machine.platform, arch: machine.arch, cpus: machine.cpus, memory: machine.memory }
    }
  }
  yield* folder.write("report.json", `${JSON.stringify(finished, null, 2)}\n`)
  return finished
}, Effect.scoped)
