import { Clock, Effect, Result } from "effect"
import type { Predictions } from "../../metrics/calibration.ts"
import type { Report } from "../../metrics/Report.ts"
import { testReport } from "../../metrics/Report.ts"
import type { EngineError } from "../../model/Engine.ts"
import { calibrate, metricsOf, predictAllTogether } from "../../model/measure.ts"
import { encodeModel } from "../../model/Model.ts"
import { architectureOf } from "../../model/networks.ts"
import { predictorOf } from "../../model/Predictor.ts"
import { encodePredictions } from "../../model/StoredPredictions.ts"
import type { Trained } from "../../model/Training.ts"
import { addPasses, noPasses } from "../../model/Training.ts"
import type { Augment } from "../../pipeline/Augment.ts"
import type { Images } from "../../pipeline/Images.ts"
import type { Missed } from "../../pipeline/Batch.ts"
import { ledgerCounts } from "../../pipeline/Ledger.ts"
import { withMissed, withoutLost } from "../../pipeline/Losses.ts"
import { report } from "../../pipeline/Progress.ts"
import { imageFrom } from "../../pipeline/Rows.ts"
import { sha256 } from "../../pipeline/sha256.ts"
import { configDigest } from "../configDigest.ts"
import { Machine } from "../Machine.ts"
import { occlude } from "../report/occlusion.ts"
import { Pages } from "../report/Pages.ts"
import { RunFolder } from "../RunFolder.ts"
import { fileDigests } from "../verify/fileDigests.ts"
import { ledgerText } from "./begunData.ts"
import { classCounts } from "./classCounts.ts"
import type { OpenRun } from "./open.ts"
import type { OpenBatches } from "./openBatches.ts"
import type { Ended, EndedRun } from "./RunOutcome.ts"
import { each } from "./RunOutcome.ts"

/** The fourth stage of a run: it is trained, and its session has the weights that are kept. */
export type TrainedRun = OpenRun & { readonly trained: Trained }

/** The logits of a run's model for the parts that it is measured on. */
interface Predicted {
  /** Predictions for the samples that have not left, in their order; so is `test`. */
  readonly validation: Predictions
  readonly test: Predictions
  /** Samples of either part that have left. */
  readonly missed: ReadonlyArray<Missed>
}

/** A run with its model's predictions. */
type MeasuredRun = TrainedRun & { readonly predicted: Result.Result<Predicted, EngineError> }

/**
 * The last stage of runs that were trained on the same batches: measures them, and writes history, predictions, model
 * and report of each into its folder. A run that fails does not affect the others.
 */
export const finishRuns = Effect.fn("finishRuns")(function* (runs: ReadonlyArray<TrainedRun>, batches: OpenBatches) {
  const trainedAt = yield* Clock.currentTimeNanos
  const historyOf = ({ trained }: TrainedRun) => trained.history
  const [written, unwritten] = yield* each(runs, (run) => Effect.as(writeHistory(run), run), historyOf)
  const { passes, predicted } = yield* predictRuns(written, batches)
  const [finished, unfinished] = yield* each(predicted, (run) => finishRun(run, trainedAt, batches), historyOf)
  return { ended: [...finished, ...unwritten, ...unfinished], passes } satisfies Ended
})

const seesTwice = ({ config }: TrainedRun) => config.evaluate.tta !== "none"

/** Predicts validation and test sets with each run's model; every batch is made once for all. */
const predictRuns = Effect.fn("finishRuns.predict")(function* (runs: ReadonlyArray<TrainedRun>, batches: OpenBatches) {
  const once = yield* predictTogether(
    runs.filter((run) => !seesTwice(run)),
    batches.evaluation
  )
  // The mirror image needs the image itself, even where the cache has its features.
  const twice = yield* predictTogether(runs.filter(seesTwice), batches.images)
  return { predicted: [...once.predicted, ...twice.predicted], passes: addPasses(once.passes, twice.passes) }
})

const predictTogether = Effect.fnUntraced(function* (
  runs: ReadonlyArray<TrainedRun>,
  batchesOf: OpenBatches["evaluation"]
) {
  const [first] = runs
  if (first === undefined) return { predicted: [], passes: noPasses }
  const { dataset } = first
  const classes = dataset.classes.length
  const predictPart = <Run extends TrainedRun>(part: "validation" | "test", runs: ReadonlyArray<Run>) =>
    predictAllTogether(
      runs.map((owner) => ({ owner, predictor: predictorOf(owner.session, owner.config.evaluate, classes) })),
      batchesOf(part),
      { part, samples: dataset[part].length, classes }
    )
  const validation = yield* predictPart("validation", runs)
  const test = yield* predictPart(
    "test",
    validation.found.map(({ found, owner }) => ({ ...owner, validation: found }))
  )
  const missed = [...validation.missed, ...test.missed]
  const predicted = test.found.map(({ found, owner: { validation, ...run } }): MeasuredRun => ({
    ...run,
    predicted: Result.map(Result.all({ validation, test: found }), (parts) => ({ ...parts, missed }))
  }))
  const made = validation.images + test.images
  return { predicted, passes: { made, wanted: made * runs.length } }
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

const finishRun = Effect.fn("finishRuns.write")(function* (
  run: MeasuredRun,
  trainedAt: bigint,
  { losses }: OpenBatches
) {
  const { config, engine, folder, network, start, trained, trial, weightsDigest } = run
  const predicted = yield* Effect.fromResult(run.predicted)
  const { chosenEpoch, history, secondsBefore } = trained
  const lost = withMissed(trained.lost, predicted.missed, history.length)
  const dataset = withoutLost(run.dataset, lost)
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
  // Without samples there is no temperature: all samples of the part may have left.
  const isMeasured = predicted.validation.labels.length > 0
  const fitted = config.calibration && isMeasured ? calibrate(predicted.validation, config.calibration) : undefined
  const { calibration, evaluation } = metricsOf(predicted.test, fitted)
  const counts = ledgerCounts(ledger)
  yield* folder.write(
    "model/model.safetensors",
    encodeModel({
      network,
      labels: classes,
      image: config.image,
      weights: yield* run.modelWeights,
      calibration: fitted && { kind: "temperature", temperature: fitted.temperature }
    })
  )
  const backbone = run.backbone
  if (backbone !== undefined)
    yield* folder.share("model/backbone.onnx", backbone, config.network.backbone?.sha256 ?? (yield* sha256(backbone)))
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
      parameters: run.parameters,
      trainableParameters: run.trainableParameters
    },
    history,
    chosenEpoch,
    test: testReport(evaluation, classes),
    ...(fitted && {
      calibration: {
        temperature: fitted.temperature,
        bins: fitted.bins,
        validation: fitted.metrics,
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
  // A trial is on the search's page; its own page is made on request.
  if (trial === undefined) {
    const context = yield* Effect.context<Images | Augment>()
    const occluding = occlude({
      predictor: run.session,
      config,
      labels: classes,
      samples: dataset.test,
      predictions: predicted.test,
      losses
    }).pipe(Effect.provide(context))
    yield* Effect.flatMap(Pages, (writePages) => writePages(folder, occluding))
  }
  return { trial, outcome: { state: "finished", report: finished } } satisfies EndedRun
})
