import { Clock, Effect } from "effect"
import type { Report } from "../../metrics/Report.ts"
import { testReport } from "../../metrics/Report.ts"
import type { Engine } from "../../model/Engine.ts"
import type { Trained } from "../../model/Learner.ts"
import { calibrate, figuresOf } from "../../model/measure.ts"
import { encodeModel } from "../../model/Model.ts"
import { architectureOf } from "../../model/networks.ts"
import { encodePredictions } from "../../model/StoredPredictions.ts"
import { ledgerCounts } from "../../pipeline/Ledger.ts"
import { withMissed, withoutLost } from "../../pipeline/Losses.ts"
import { imageFrom } from "../../pipeline/Rows.ts"
import { report } from "../../pipeline/Progress.ts"
import { classCounts } from "./classCounts.ts"
import { configDigest } from "../configDigest.ts"
import { fileDigests } from "../verify/fileDigests.ts"
import { ledgerText } from "./ledgerText.ts"
import { Machine } from "../Machine.ts"
import type { OpenBatches } from "./openBatches.ts"
import type { OpenLearner } from "./openLearner.ts"
import type { Predicted } from "../predict/predictRuns.ts"
import { predictRuns } from "../predict/predictRuns.ts"
import { Pages } from "../report/Pages.ts"
import { RunFolder } from "../RunFolder.ts"

/** A run whose training is done. */
export interface TrainedRun {
  /** Its id, where it is one of many. */
  readonly trial: string | undefined
  readonly folder: RunFolder["Service"]
  readonly engine: Engine["Service"]
  readonly learner: OpenLearner
  readonly trained: Trained
  /** When this process began with the run, in nanoseconds of the monotonic clock. */
  readonly start: bigint
}

/**
 * Measures what runs on the same batches have trained, and leaves the history, the predictions, the model and the report
 * of each in its folder. One that fails does not touch the others.
 */
export const finishRuns = Effect.fn("finishRuns")(function* (runs: ReadonlyArray<TrainedRun>, batches: OpenBatches) {
  const trainedAt = yield* Clock.currentTimeNanos
  const begun = yield* Effect.forEach(runs, (run) => Effect.result(writeHistory(run)))
  const there = runs.filter((_, i) => begun[i]?._tag === "Success").map(({ learner }) => learner)
  const { passes, predicted } = yield* predictRuns(there, batches)
  const reports = yield* Effect.forEach(runs, (run, i) =>
    Effect.result(
      Effect.gen(function* () {
        // As many as there are runs, and each that did not fail was asked.
        yield* Effect.fromResult(begun[i]!)
        return yield* writeRun(run, trainedAt, yield* Effect.fromResult(predicted.get(run.learner)!))
      })
    )
  )
  return { reports, passes }
})

const writeHistory = Effect.fnUntraced(function* ({ folder, trained, trial }: TrainedRun) {
  const { chosenEpoch, history, stoppedEarly } = trained
  yield* folder.write("history.jsonl", history.map((record) => `${JSON.stringify(record)}\n`).join(""))
  if (stoppedEarly)
    yield* report({
      _tag: "Note",
      line: `stopped early: epoch ${chosenEpoch} stays the best of ${history.length}`,
      ...(trial !== undefined && { trial })
    })
})

const writeRun = Effect.fn("finishRuns.write")(function* (
  { engine, folder, learner, start, trained, trial }: TrainedRun,
  trainedAt: bigint,
  predicted: Predicted
) {
  const { config, network, weightsDigest } = learner
  const { chosenEpoch, history, secondsBefore } = trained
  const lost = withMissed(trained.lost, predicted.missed, history.length)
  const dataset = withoutLost(learner.dataset, lost)
  const { classes, ledger } = dataset
  if (lost.length > 0) yield* folder.write("ledger.jsonl", yield* ledgerText(ledger))
  for (const part of ["validation", "test"] as const)
    yield* folder.write(
      `predictions/${part}.safetensors`,
      encodePredictions({
        part,
        labels: classes,
        samples: dataset[part].map(({ digest, id, label, path }) => ({
          id,
          file: imageFrom(dataset.root, path),
          digest,
          label
        })),
        logits: predicted[part].logits
      })
    )
  // A temperature of nothing is none: all samples of the part may have left.
  const isMeasured = predicted.validation.labels.length > 0
  const fitted = config.calibration && isMeasured ? calibrate(predicted.validation, config.calibration) : undefined
  const { calibration, evaluation } = figuresOf(predicted.test, fitted)
  const counts = ledgerCounts(ledger)
  yield* folder.write(
    "model/model.safetensors",
    encodeModel({
      network,
      labels: classes,
      image: config.image,
      weights: yield* learner.modelWeights,
      calibration: fitted && { kind: "temperature", temperature: fitted.temperature }
    })
  )
  const machine = yield* Machine
  const end = yield* Clock.currentTimeNanos
  const finished: Report = {
    data: {
      ...counts,
      classes: classes.length,
      train: dataset.train.length,
      validation: dataset.validation.length,
      test: dataset.test.length,
      perClass: classCounts(dataset)
    },
    model: {
      network: network.name,
      head: architectureOf(network.name)?.hasHeads === true ? config.network.head : null,
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
    seconds: secondsBefore + Number(end - start) / 1e9,
    measuringSeconds: Number(end - trainedAt) / 1e9,
    receipt: {
      dataDigest: dataset.digest,
      configDigest: yield* configDigest(config),
      ...(weightsDigest !== undefined && { weightsDigest }),
      ledger: counts,
      files: yield* Effect.provideService(fileDigests, RunFolder, folder),
      versions: { ...machine.versions, ...engine.info.versions },
      seeds: {
        run: config.seed,
        ...(config.data.split.seed !== undefined && { split: config.data.split.seed }),
        ...(config.data.sample && { sample: config.data.sample.seed })
      },
      machine: { platform: machine.platform, arch: machine.arch, cpus: machine.cpus, memory: machine.memory }
    }
  }
  yield* folder.write("report.json", `${JSON.stringify(finished, null, 2)}\n`)
  // Of a trial, the search's page tells; its own is made when it is asked for.
  if (trial === undefined) yield* Effect.flatMap(Pages, (writePages) => writePages(folder))
  return finished
})
