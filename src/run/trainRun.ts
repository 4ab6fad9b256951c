import { Clock, Effect, Schema } from "effect"
import { Engines } from "../model/Engines.ts"
import { freezingOf } from "../model/parts.ts"
import { networkFor } from "../model/networks.ts"
import { train } from "../model/Training.ts"
import { countByReason, countFaults, RefusalLines } from "../pipeline/Ledger.ts"
import * as Pipeline from "../pipeline/Pipeline.ts"
import { report } from "../Progress.ts"
import { configDigest } from "./configDigest.ts"
import { recordSteps } from "./recordSteps.ts"
import { finishRun } from "./finishRun.ts"
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
  const { engine: engineConfig, image } = config
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
  const { trainingBatches, weightsDigest } = learner
  const stepsPerEpoch = Math.ceil(dataset.train.length / config.train.batchSize)
  const session = yield* recordSteps(learner.session, config.train.epochs * stepsPerEpoch)
  const counts = { listed: ledger.listed, kept: ledger.kept, refused: countByReason(ledger.refusals) }
  const digest = yield* configDigest(config)
  const trained = yield* train({
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
  return yield* finishRun({ config, dataset, engine, network, learner, trained, start })
}, Effect.scoped)
