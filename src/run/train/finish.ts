import { Array as Arrays, Clock, Effect, Result } from "effect"
import type { Report } from "../../metrics/Report.ts"
import type { EngineError } from "../../model/Engine.ts"
import { predictAllTogether } from "../../model/measure.ts"
import { fitColumns, fittedFields, measureColumns } from "../../model/measureColumns.ts"
import { unseenPairs } from "../../model/unseenPairs.ts"
import { encodeModel } from "../../model/Model.ts"
import { architectureOf } from "../../model/networks.ts"
import type { Predictor } from "../../model/Predictor.ts"
import { predictorOf } from "../../model/Predictor.ts"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import { columnOf, encodePredictions, numbersOf } from "../../model/StoredPredictions.ts"
import type { Trained } from "../../model/Training.ts"
import { addPasses, noPasses } from "../../model/Training.ts"
import type { Augment } from "../../pipeline/Augment.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import { elementAt } from "../../pipeline/elementAt.ts"
import type { Images } from "../../pipeline/Images.ts"
import { hasOneValue, logitsOfColumn } from "../../pipeline/LabelColumn.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import { parentClasses } from "../../pipeline/parentClasses.ts"
import { seenTogether } from "../../pipeline/seenTogether.ts"
import type { Batch, Missed } from "../../pipeline/Batch.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import { ledgerCounts } from "../../pipeline/Ledger.ts"
import { withMissed, withoutLost } from "../../pipeline/Losses.ts"
import { report } from "../../pipeline/Progress.ts"
import { imageFrom } from "../../pipeline/Rows.ts"
import { sha256 } from "../../pipeline/sha256.ts"
import { configDigest } from "../configDigest.ts"
import { noiseCounts } from "../labelNoise/LabelNoise.ts"
import { Machine } from "../Machine.ts"
import { occlude } from "../report/occlusion.ts"
import { Pages } from "../report/Pages.ts"
import { RunFolder } from "../RunFolder.ts"
import { fileDigests } from "../verify/fileDigests.ts"
import { ledgerText } from "./begunData.ts"
import { classCounts, columnCounts } from "./classCounts.ts"
import type { OpenRun } from "./open.ts"
import type { OpenBatches } from "./openBatches.ts"
import type { Ended, EndedRun } from "./RunOutcome.ts"
import { each } from "./RunOutcome.ts"

/** The fourth stage of a run: it is trained, and its session has the weights that are kept. */
export type TrainedRun = OpenRun & { readonly trained: Trained }

/** The logits of a run's model for the parts that it is measured on. */
interface Predicted {
  /** (samples, classes of all columns), of the samples that have not left, in their order; so is `test`. */
  readonly validation: Float32Array
  readonly test: Float32Array
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
  const { columns } = dataset
  const predictPart = <Run extends TrainedRun>(part: "validation" | "test", runs: ReadonlyArray<Run>) =>
    predictAllTogether(
      runs.map((owner) => ({ owner, predictor: predictorOf(owner.session, owner.config.evaluate, columns) })),
      batchesOf(part),
      { part, samples: dataset[part].length, columns }
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

/** A part's predictions as they are kept. */
const storedOf = (dataset: Dataset, part: "validation" | "test", logits: Float32Array): StoredPredictions => ({
  part,
  labels: dataset.classes,
  ...(Arrays.isReadonlyArrayNonEmpty(dataset.columns) && !hasOneValue(dataset.columns) && { columns: dataset.columns }),
  samples: dataset[part].map(({ digest, id, label, labels, path }) => ({
    id,
    file: imageFrom(dataset.root, path),
    digest,
    label,
    ...(labels && { labels: labels.map((known) => known ?? null) })
  })),
  logits
})

/** What is covered: the first column with one value, of the samples whose label is known. Without one, nothing is. */
const occluded = (session: Predictor, { columns, test }: Dataset, stored: StoredPredictions) => {
  const index = Math.max(
    0,
    columns.findIndex(({ values }) => values === "one")
  )
  const { classes, values } = elementAt(columns, index)
  const isKnown = ({ label, labels }: Sample) => (labels === undefined ? label >= 0 : labels[index] !== undefined)
  return {
    predictor: {
      predict: (batch: Batch) => Effect.map(session.predict(batch), (logits) => logitsOfColumn(logits, columns, index))
    },
    labels: classes,
    samples: values === "one" ? test.filter(isKnown) : [],
    predictions:
      values === "one"
        ? numbersOf(columnOf(stored, index))
        : { classes: classes.length, logits: new Float32Array(0), labels: new Int32Array(0) }
  }
}

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
  const { classes, columns, ledger } = dataset
  const stored = {
    validation: storedOf(dataset, "validation", predicted.validation),
    test: storedOf(dataset, "test", predicted.test)
  }
  if (lost.length > 0) yield* folder.write("ledger.jsonl", yield* ledgerText(ledger))
  for (const part of ["validation", "test"] as const)
    yield* folder.write(`predictions/${part}.safetensors`, encodePredictions(stored[part]))
  const fitted = fitColumns(stored.validation, config.calibration)
  const { calibration, test } = measureColumns(stored.test, fitted)
  const found = hasOneValue(columns) ? [] : seenTogether(columns, dataset.train)
  const pairs = found.length === 0 ? undefined : found
  const parents = parentClasses(labelColumnsOf(config.data), columns, dataset.train)
  const counts = ledgerCounts(ledger)
  yield* folder.write(
    "model/model.safetensors",
    encodeModel({
      network,
      labels: classes,
      ...(!hasOneValue(columns) && {
        columns: columns.map((column, k) => ({
          ...column,
          ...fittedFields(elementAt(fitted, k)),
          ...(parents[k] && { parent: parents[k] })
        }))
      }),
      ...(pairs && { seenTogether: pairs }),
      image: config.image,
      weights: yield* run.modelWeights,
      calibration: calibration && { kind: "temperature", temperature: calibration.temperature }
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
      perClass: classCounts(dataset),
      ...(!hasOneValue(columns) && { columns: columnCounts(dataset) })
    },
    model: {
      network: network.name,
      head: architectureOf(network.name)?.hasHeads === true ? config.network.head : null,
      parameters: run.parameters,
      trainableParameters: run.trainableParameters
    },
    history,
    ...(run.noise && { labelNoise: noiseCounts(run.noise) }),
    chosenEpoch,
    test,
    ...(pairs && test !== null && { unseenPairs: unseenPairs(stored.test, pairs) }),
    ...(calibration && { calibration }),
    engine: engine.info,
    seconds: secondsBefore + Number(end - start) / 1e9,
    measuringSeconds: Number(end - trainedAt) / 1e9,
    receipt: {
      dataDigest: dataset.digest,
      configDigest: yield* configDigest(config),
      ...(weightsDigest !== undefined && { weightsDigest }),
      ...(run.teachers.length > 0 && { teacherDigests: run.teachers.map(({ digest }) => digest) }),
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
      ...occluded(run.session, dataset, stored.test),
      config,
      losses
    }).pipe(Effect.provide(context))
    yield* Effect.flatMap(Pages, (writePages) => writePages(folder, occluding))
  }
  return { trial, outcome: { state: "finished", report: finished } } satisfies EndedRun
})
