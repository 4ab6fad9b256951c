import { Effect } from "effect"
import type { EpochRecord } from "../../metrics/Report.ts"
import type { Objective } from "./objective.ts"
import { chosenRecord, epochValue, reportValue } from "./objective.ts"
import { RunFolder } from "../RunFolder.ts"
import { Runs } from "../Runs.ts"
import type { TrialOutcome } from "../train/trainTrials.ts"
import { trainTrials } from "../train/trainTrials.ts"
import type { GroupEnd, TrialEnd } from "./Group.ts"
import type { GroupWork } from "./Trainers.ts"
import type { TrialRecord } from "./TrialRecord.ts"
import { readRecord, writeRecord } from "./TrialRecord.ts"

type Trial = GroupWork["trials"][number]

const inFolder = <A, E>({ config, path }: Trial, effect: Effect.Effect<A, E, RunFolder>) =>
  Effect.gen(function* () {
    const { folder } = yield* Runs.use((runs) => runs.open(path, config.train.checkpoint.keep))
    return yield* Effect.provideService(effect, RunFolder, folder)
  })

/** Whether a trial has nothing left to do in a rung. */
const isThrough = (record: TrialRecord | undefined, rung: number): record is TrialRecord =>
  record !== undefined && (record.state !== "paused" || record.rung >= rung)

const secondsOf = (history: ReadonlyArray<EpochRecord>) => history.reduce((sum, { seconds }) => sum + seconds, 0)

const recordOf = (outcome: TrialOutcome, { config }: Trial, rung: number, objective: Objective): TrialRecord => {
  const { id, state } = outcome
  if (state === "finished") {
    const { chosenEpoch, history, seconds } = outcome.report
    const found = reportValue(outcome.report, objective)
    return { id, state, metric: found, epochs: history.length, rung, history, chosenEpoch, seconds }
  }
  const { history } = outcome
  const chosen = chosenRecord(config.train, history)
  const chosenEpoch = chosen?.epoch ?? null
  const common = { id, rung, history, chosenEpoch, epochs: history.length, seconds: secondsOf(history) }
  return state === "paused"
    ? { ...common, state, metric: epochValue(chosen, objective) }
    : { ...common, state, metric: null, detail: outcome.error.message }
}

const endOf = ({ detail, epochs, metric, id, state }: TrialRecord): TrialEnd => ({
  id,
  state,
  metric,
  epochs,
  ...(detail !== undefined && { detail })
})

/**
 * Trains a group's trials together, and writes a record into each one's folder, from which its end is read when the
 * group is trained again.
 *
 * Fails with an error of all trials; a trial that diverges or fails alone has that as its state.
 */
export const workGroup = Effect.fn("workGroup")(function* ({ objective, rung, trials, until }: GroupWork) {
  const records = new Map<string, TrialRecord>()
  for (const trial of trials) {
    const record = yield* inFolder(trial, readRecord)
    if (isThrough(record, rung)) records.set(trial.id, record)
  }
  const left = trials.filter(({ id }) => !records.has(id))
  const { outcomes, passes } =
    left.length === 0
      ? { outcomes: [], passes: { wanted: 0, made: 0 } }
      : yield* trainTrials(left.map((trial) => ({ ...trial, until })))
  for (const outcome of outcomes) {
    const trial = left.find(({ id }) => id === outcome.id)
    if (trial === undefined) continue
    const record = recordOf(outcome, trial, rung, objective)
    yield* inFolder(trial, writeRecord(record))
    records.set(outcome.id, record)
  }
  const ends = trials.flatMap(({ id }) => {
    const record = records.get(id)
    return record === undefined ? [] : [endOf(record)]
  })
  return { trials: ends, passes } satisfies GroupEnd
})
