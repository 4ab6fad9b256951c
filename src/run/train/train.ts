import { Array as Arrays, Cache, Effect } from "effect"
import type { NonEmptyArray, NonEmptyReadonlyArray } from "effect/Array"
import type { RanOn } from "../../metrics/Report.ts"
import { CheckpointError } from "../../model/Checkpoints.ts"
import type { Engine } from "../../model/Engine.ts"
import type { OpenFeatures } from "../../model/Features.ts"
import { Pretrained } from "../../model/Pretrained.ts"
import { noPasses, trainTogether } from "../../model/Training.ts"
import type { Known } from "../../pipeline/checkImages.ts"
import { ledgerCounts, sumText } from "../../pipeline/Ledger.ts"
import { report } from "../../pipeline/Progress.ts"
import { canonical } from "../../pipeline/canonical.ts"
import { Machine } from "../Machine.ts"
import { writeChanged } from "../RunFolder.ts"
import { forGoingOn, ledgerText, readBegunData, writeBegunData } from "./begunData.ts"
import { finishRuns } from "./finish.ts"
import type { OpenRun, PreparedRun } from "./open.ts"
import { openEngine, openRun, openRunBatches, prepareRun } from "./open.ts"
import { passKey } from "./passKey.ts"
import type { PlannedRun } from "./plan.ts"
import { recordSteps } from "./recordSteps.ts"
import { rememberTensors } from "./rememberTensors.ts"
import { chosenEngine, runEngineText } from "./RunEngine.ts"
import { each, together } from "./RunOutcome.ts"
import { bytesOf, sideBySide } from "./sideBySide.ts"
import { trainingData } from "./trainingData.ts"

const groupsBy = <A>(items: ReadonlyArray<A>, keyOf: (item: A) => string): ReadonlyArray<NonEmptyArray<A>> =>
  Object.values(Arrays.groupBy(items, keyOf))

/**
 * Takes planned runs to their ends: opens them, trains them, measures them and writes down what they leave.
 *
 * They share what is made for them: batches of images where their `passKey` is the same, features where their frozen part
 * is the same too; as many at a time as the memory holds. All want the same engine, by their configurations; those that
 * have begun on another stay with that.
 *
 * A run that fails does not touch the others. What concerns all fails: the data, the batches, the engine.
 */
export const trainRuns = Effect.fn("trainRuns")(function* (runs: ReadonlyArray<PlannedRun>) {
  const groups = groupsBy(runs, ({ engineWanted: { device, name } }) => canonical([name, device]))
  return together(yield* Effect.forEach(groups, trainOnEngine))
})

/** Runs that want the same engine. */
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
 * Runs by the data that they began with, where they go on. New ones join the first of those: a sample that it has lost
 * since is lost for them as well.
 */
const byData = Effect.fnUntraced(function* (runs: ReadonlyArray<PlannedRun>) {
  const all = yield* Effect.forEach(runs, (run) =>
    Effect.map(readBegunData(run.folder, run.config), (begun) => ({ run, begun }))
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

/** Runs that are given the same images. */
const trainOnData = Effect.fn("trainRuns.data")(function* (
  engine: Engine["Service"],
  runs: NonEmptyReadonlyArray<PlannedRun>,
  known: Known | undefined
) {
  const dataset = yield* trainingData(runs[0].config, known)
  const { classes, ledger, test, train, validation } = dataset
  yield* report({
    _tag: "Note",
    line:
      `${sumText(ledgerCounts(ledger))}; ${classes.length} classes: ` +
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

/** Names a run's frozen part and what applies it, among runs of one `passKey`. */
const frozenKey = ({ config, engineWanted, frozen }: PreparedRun): string =>
  frozen === undefined ? "" : canonical([config.network.weights, frozen.blocks, engineWanted.features])

/** Runs that are given the same batches, each of which is made once. */
const trainInOnePass = Effect.fn("trainRuns.pass")(function* (
  engine: Engine["Service"],
  runs: NonEmptyReadonlyArray<PreparedRun>
) {
  const [{ dataset }] = runs
  const batches = yield* openRunBatches(runs[0], engine)
  const [open, ended] = yield* each(runs, (run) => openRun(run, engine, batches.features))
  if (!Arrays.isReadonlyArrayNonEmpty(open)) return { ended, passes: noPasses }
  const training = yield* trainTogether(
    Arrays.map(open, (run) => learnerOf(run, batches.features)),
    {
      classes: dataset.classes.length,
      samples: { train: dataset.train.length, validation: dataset.validation.length },
      ledger: ledgerCounts(dataset.ledger),
      losses: batches.losses,
      trainingBatches: batches.training,
      validationBatches: batches.evaluation("validation")
    }
  )
  const trained = training.ended.flatMap(({ one: { run }, outcome }) =>
    outcome.state === "finished" ? [{ ...run, trained: outcome }] : []
  )
  const stopped = training.ended.flatMap(({ one: { trial }, outcome }) =>
    outcome.state === "finished" ? [] : [{ trial, outcome }]
  )
  return together([{ ended: [...ended, ...stopped], passes: training.passes }, yield* finishRuns(trained, batches)])
}, Effect.scoped)

/** A run as the training takes it. */
const learnerOf = (run: OpenRun, features: OpenFeatures | undefined) => {
  const { checkpoints, config, dataset, digest, engine, folder, session, start, trial, until } = run
  const { batchSize, epochs } = config.train
  // Of a run that nothing stops early.
  const steps = epochs * Math.ceil(dataset.train.length / batchSize)
  return {
    run,
    trial,
    session: recordSteps(session, folder, steps),
    config: config.train,
    checkpoints,
    digest,
    until,
    ranOn: ranOnOf(engine, features),
    start,
    begin: writeBegun(run, features)
  }
}

const ranOnOf = ({ info }: Engine["Service"], features: OpenFeatures | undefined): RanOn => ({
  engine: info.name,
  // Why it is on no GPU is reported where the engine is chosen, and is no part of the device.
  device: info.device.replace(/; no GPU: .*$/s, ""),
  ...(features !== undefined && { features: features.key })
})

/** Writes down that a run has begun, and on what; nothing that could refuse it is left. */
const writeBegun = Effect.fnUntraced(
  function* ({ config, dataset, engine, engineWanted, folder }: OpenRun, features: OpenFeatures | undefined) {
    yield* writeChanged(folder, "ledger.jsonl", yield* ledgerText(dataset.ledger))
    yield* writeBegunData(folder, config, dataset)
    // Of a run that goes on, it was written when the run began.
    if (dataset.leakage !== undefined)
      yield* writeChanged(folder, "leakage.json", `${JSON.stringify(dataset.leakage, null, 2)}\n`)
    yield* writeChanged(folder, "engine.json", runEngineText(chosenEngine(engineWanted, engine, features)))
    // The last: it is what makes the folder a run's.
    yield* writeChanged(folder, "config.json", `${JSON.stringify(config, null, 2)}\n`)
  },
  Effect.mapError(({ detail, path }) => new CheckpointError({ path, reason: "failed", detail }))
)
