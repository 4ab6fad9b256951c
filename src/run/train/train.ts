import { Array as Arrays, Cache, Effect } from "effect"
import { lossWeightsOf } from "../../model/lossSettings.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import type { NonEmptyArray, NonEmptyReadonlyArray } from "effect/Array"
import type { EpochRecord, RanOn } from "../../metrics/Report.ts"
import { CheckpointError } from "../../model/Checkpoints.ts"
import type { Engine } from "../../model/Engine.ts"
import type { OpenFeatures } from "../../model/Features.ts"
import { Pretrained } from "../../model/Pretrained.ts"
import { noPasses, trainTogether } from "../../model/Training.ts"
import { classesText } from "../../pipeline/LabelColumn.ts"
import type { Known } from "../../pipeline/checkImages.ts"
import { ledgerCounts, sumText } from "../../pipeline/Ledger.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { report } from "../../pipeline/Progress.ts"
import { canonical } from "../../pipeline/canonical.ts"
import { labelNoiseText } from "../labelNoise/LabelNoise.ts"
import { Machine } from "../Machine.ts"
import { formerText } from "../former.ts"
import { writeChanged } from "../RunFolder.ts"
import type { RunEnd } from "../RunLogger.ts"
import { forGoingOn, ledgerText, readBegunData, writeBegunData } from "./begunData.ts"
import { finishRuns } from "./finish.ts"
import type { RunLogOfAll } from "./logRun.ts"
import { logRun } from "./logRun.ts"
import type { OpenRun, PreparedRun } from "./open.ts"
import type { OpenBatches } from "./openBatches.ts"
import { openEngine, openRun, openRunBatches, prepareRun } from "./open.ts"
import { passKey } from "./passKey.ts"
import type { PlannedRun } from "./plan.ts"
import { recordSteps } from "./recordSteps.ts"
import { rememberTensors } from "./rememberTensors.ts"
import { chosenEngine, runEngineText } from "./RunEngine.ts"
import type { RunOutcome } from "./RunOutcome.ts"
import { each, together } from "./RunOutcome.ts"
import { bytesOf, sideBySide } from "./sideBySide.ts"
import { trainingData } from "./trainingData.ts"

const groupsBy = <A>(items: ReadonlyArray<A>, keyOf: (item: A) => string): ReadonlyArray<NonEmptyArray<A>> =>
  Object.values(Arrays.groupBy(items, keyOf))

/**
 * Takes planned runs to their ends: opens, trains and measures them, and writes their results.
 *
 * Runs with the same `passKey` share batches of images; where their frozen part is the same too, they share features.
 * As many run at a time as fit in memory. All are configured for the same engine; those that have begun on another keep
 * that.
 *
 * A run that fails does not affect the others. Fails with errors of all runs: of the data, the batches, the engine.
 */
export const trainRuns = Effect.fn("trainRuns")(function* (runs: ReadonlyArray<PlannedRun>) {
  const groups = groupsBy(runs, ({ engineWanted: { device, name } }) => canonical([name, device]))
  return together(yield* Effect.forEach(groups, trainOnEngine))
})

/** Trains runs for the same engine. */
const trainOnEngine = Effect.fn("trainRuns.engine")(function* (runs: NonEmptyReadonlyArray<PlannedRun>) {
  const [first] = runs
  const engine = yield* openEngine(first)
  // Each network is tried once, and the first one was when the engine was chosen.
  const tried = yield* Cache.make({ capacity: runs.length, lookup: engine.preflight })
  yield* Cache.set(tried, first.networkPlan.smallest, undefined)
  const [fit, ended] = yield* each(runs, (run) => Effect.as(Cache.get(tried, run.networkPlan.smallest), run))
  const groups = yield* Effect.forEach(
    groupsBy(fit, ({ config }) => passKey(config)),
    Effect.fnUntraced(function* (same) {
      const withData = yield* byData(same)
      return together(yield* Effect.forEach(withData, ({ known, runs }) => trainOnData(engine, runs, known)))
    })
  )
  return together([{ ended, passes: noPasses }, ...groups])
}, Effect.scoped)

/**
 * Groups runs by the data that they began with, where they are resumed. New runs join the first group: a sample that it
 * has lost is lost for them too.
 */
const byData = Effect.fnUntraced(function* (runs: ReadonlyArray<PlannedRun>) {
  const all = yield* Effect.forEach(runs, (run) =>
    Effect.map(readBegunData(run.folder, run.config, run.former), (begun) => ({ run, begun }))
  )
  const first = all.find(({ begun }) => begun !== undefined)?.begun
  const groups = groupsBy(
    all.map(({ begun = first, run }) => ({ begun, run })),
    ({ begun }) => begun?.digest ?? ""
  )
  return groups.map((same) => {
    const begun = first?.digest === same[0].begun?.digest ? first : same[0].begun
    return { known: begun && forGoingOn(begun), runs: Arrays.map(same, ({ run }) => run) }
  })
})

/** Trains runs that share images. */
const trainOnData = Effect.fn("trainRuns.data")(function* (
  engine: Engine["Service"],
  runs: NonEmptyReadonlyArray<PlannedRun>,
  known: Known | undefined
) {
  // Of the runs that share data, one that needs more of them reads them.
  const { config } = runs.find(({ config }) => config.train.labelNoise !== undefined) ?? runs[0]
  const dataset = yield* trainingData(config, known)
  const { columns, ledger, test, train, validation } = dataset
  yield* report({
    _tag: "Note",
    line:
      `${sumText(ledgerCounts(ledger))}; ${classesText(columns)}: ` +
      `${train.length} to train on, ${validation.length} to validate, ${test.length} to test`
  })
  const tensors = yield* rememberTensors
  const [prepared, ended] = yield* each(runs, (run) =>
    Effect.provideService(prepareRun(run, dataset), Pretrained, tensors)
  )
  const { memory } = yield* Machine
  const groups = groupsBy(prepared, frozenKey).flatMap((same) => sideBySide(same, bytesOf, memory))
  const passes = yield* Effect.forEach(groups, (group) => trainInOnePass(engine, group))
  return together([{ ended, passes: noPasses }, ...passes])
})

/** Names a run's frozen part, its labels, its teachers and what applies them, among runs of one `passKey`. */
const frozenKey = ({ config, engineWanted, frozen, noise, teachers }: PreparedRun): string =>
  frozen === undefined && teachers.length === 0 && noise === undefined
    ? ""
    : canonical([
        ...(noise === undefined ? [] : [noise]),
        frozen === undefined ? null : [config.network.weights, frozen.blocks],
        teachers.map(({ digest, places }) => [digest, places.map((place) => place && Array.from(place))]),
        engineWanted.features
      ])

/** Trains runs that share batches, each of which is made once. */
const trainInOnePass = Effect.fn("trainRuns.pass")(function* (
  engine: Engine["Service"],
  runs: NonEmptyReadonlyArray<PreparedRun>
) {
  const [{ dataset, training: samples }] = runs
  const batches = yield* openRunBatches(runs[0], engine)
  const [open, ended] = yield* each(runs, (run) => openRun(run, engine, batches.features))
  if (!Arrays.isReadonlyArrayNonEmpty(open)) return { ended, passes: noPasses }
  const noteLosses = writeLosses(open, batches)
  const logs = new Map<string | undefined, RunLogOfAll>()
  for (const run of open) logs.set(run.trial, yield* logRun(run, batches))
  const training = yield* trainTogether(
    Arrays.map(open, (run) => learnerOf(run, batches, logs.get(run.trial))),
    {
      columns: dataset.columns,
      lossWeights: lossWeightsOf(labelColumnsOf(runs[0].config.data)),
      samples: { train: samples.length, validation: dataset.validation.length },
      ledger: ledgerCounts(dataset.ledger),
      losses: batches.losses,
      trainingBatches: batches.training,
      validationBatches: batches.evaluation("validation")
    }
  ).pipe(Effect.tapError(() => noteLosses))
  const trained = training.ended.flatMap(({ one: { run }, outcome }) =>
    outcome.state === "finished" ? [{ ...run, trained: outcome }] : []
  )
  const stopped = training.ended.flatMap(({ one: { trial }, outcome }) =>
    outcome.state === "finished" ? [] : [{ trial, outcome }]
  )
  const all = together([
    { ended: [...ended, ...stopped], passes: training.passes },
    yield* finishRuns(trained, batches).pipe(Effect.tapError(() => noteLosses))
  ])
  for (const { outcome, trial } of all.ended) {
    const log = logs.get(trial)
    if (log !== undefined) yield* log.ended(runEndOf(outcome))
  }
  return all
}, Effect.scoped)

const runEndOf = (outcome: RunOutcome): RunEnd =>
  outcome.state === "finished"
    ? { state: "finished", report: outcome.report }
    : outcome.state === "paused"
      ? { state: "stopped" }
      : { state: "failed", detail: messageOf(outcome.error) }

/** Writes the samples that have left into the ledger of each run that ends because of them. */
const writeLosses = (runs: ReadonlyArray<OpenRun>, { losses }: OpenBatches) =>
  Effect.suspend(() => ledgerText(losses.ledger())).pipe(
    Effect.flatMap((text) => Effect.forEach(runs, ({ folder }) => writeChanged(folder, "ledger.jsonl", text))),
    // The reason why the runs end must not be hidden by a failure to write this.
    Effect.ignore
  )

/** A run as a learner. */
const learnerOf = (run: OpenRun, { applied, features }: OpenBatches, log: RunLogOfAll | undefined) => {
  const { checkpoints, config, digest, engine, folder, formerDigests, session, start, training, trial, until } = run
  const { batchSize, epochs } = config.train
  // The steps of a run that is not stopped early.
  const steps = epochs * Math.ceil(training.length / batchSize)
  return {
    run,
    trial,
    session: recordSteps(session, folder, steps),
    config: config.train,
    checkpoints,
    digest,
    former: formerDigests,
    until,
    ranOn: ranOnOf(engine, features),
    start,
    begin: (history: ReadonlyArray<EpochRecord>) =>
      Effect.andThen(writeBegun(run, applied), log?.begin(history) ?? Effect.void),
    epochDone: log?.epoch
  }
}

const ranOnOf = ({ info }: Engine["Service"], features: OpenFeatures | undefined): RanOn => ({
  engine: info.name,
  // The reason why it is not on a GPU is reported where the engine is chosen, and is not part of the device's name.
  device: info.device.replace(/; no GPU: .*$/s, ""),
  ...(features !== undefined && { features: features.key })
})

/** Records that a run has begun, and on which engine; all checks that could refuse it have passed. */
const writeBegun = Effect.fnUntraced(
  function* (
    { config, dataset, engine, engineWanted, folder, former, noise }: OpenRun,
    features: OpenFeatures | undefined
  ) {
    yield* writeChanged(folder, "ledger.jsonl", yield* ledgerText(dataset.ledger))
    yield* writeBegunData(folder, config, dataset)
    if (noise !== undefined) yield* writeChanged(folder, "label-noise.json", labelNoiseText(noise))
    // Of a run that goes on, it was written when the run began.
    if (dataset.leakage !== undefined)
      yield* writeChanged(folder, "leakage.json", `${JSON.stringify(dataset.leakage, null, 2)}\n`)
    yield* writeChanged(folder, "engine.json", runEngineText(chosenEngine(engineWanted, engine, features)))
    // Written before the configuration, so that a run killed between the two still finds its checkpoints.
    if (former.length > 0) yield* writeChanged(folder, "former.json", formerText(former))
    // Written last: this file makes the folder a run's.
    yield* writeChanged(folder, "config.json", `${JSON.stringify(config, null, 2)}\n`)
    // A run that is trained longer has no result until its new end.
    if (former.length > 0) yield* folder.remove("report.json")
  },
  Effect.mapError(({ detail, path }) => new CheckpointError({ path, reason: "failed", detail }))
)
