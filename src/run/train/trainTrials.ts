import { Effect, Ref } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import { failure } from "../../model/Training.ts"
import type { ProgressEvent } from "../../pipeline/Progress.ts"
import { Progress } from "../../pipeline/Progress.ts"
import { finishedReport } from "../finishedReport.ts"
import { Runs } from "../Runs.ts"
import { passKey } from "./passKey.ts"
import { planRun } from "./plan.ts"
import { completeConfig } from "./completeConfig.ts"
import type { EndedRun, RunOutcome } from "./RunOutcome.ts"
import { trainRuns } from "./train.ts"

/** A trial: a run among others. */
export interface TrialToTrain {
  /** Unique among those that are trained together. */
  readonly id: string
  readonly config: RunConfig
  /** The run's folder; made if it is missing. */
  readonly path: string
  /** Epochs after which it pauses, as if it were interrupted there; undefined: trains to its end. */
  readonly until?: number | undefined
}

/** How a trial ended. */
export type TrialOutcome = { readonly id: string } & RunOutcome

/**
 * Trains trials together that share their data, preprocessing, seed, size of batches and engine (`passKey`; others are
 * a defect): every batch is decoded and augmented once, passed once through each frozen part that they share, and given
 * to all that learn from it. Each trial's folder is the one that `trainRun` alone would leave.
 *
 * A trial that fails or diverges does not affect the others; one whose folder is finished is not trained again; the
 * rest go on from their checkpoints. Fails with errors of all trials: data that cannot be used, an engine that cannot
 * run.
 *
 * `passes` counts images that were decoded and passed through the frozen part, for training and for measuring: those
 * that the trials needed, and those that were made.
 */
export const trainTrials = Effect.fn("trainTrials")(
  function* (trials: ReadonlyArray<TrialToTrain>) {
    if (new Set(trials.map(({ config }) => passKey(config))).size > 1)
      return yield* Effect.die(new Error("trials that are trained together must have the same passKey"))
    const [planned, endedBefore] = yield* Effect.partition(trials, planTrial)
    const { ended, passes } = yield* trainRuns(planned)
    const all = [...endedBefore, ...ended]
    const outcomes = trials.flatMap(({ id }) =>
      all.filter(({ trial }) => trial === id).map(({ outcome }): TrialOutcome => ({ id, ...outcome }))
    )
    return { outcomes, passes }
  },
  (work) => Effect.flatMap(reportOnce, (once) => Effect.provideService(work, Progress, once)),
  Effect.scoped
)

/** Plans a trial; one that has ended already, or ends here, fails with its outcome. */
const planTrial = Effect.fn("trainTrials.plan")(
  function* ({ config, id, path, until }: TrialToTrain) {
    const runs = yield* Runs
    yield* runs.hold(path, "wait")
    const { checkpoints, folder } = yield* runs.open(path, config.train.checkpoint.keep)
    const report = (yield* folder.has("report.json"))
      ? yield* finishedReport(folder, yield* completeConfig(config, folder), path)
      : undefined
    if (report !== undefined) return yield* Effect.fail<EndedRun>({ trial: id, outcome: { state: "finished", report } })
    return yield* planRun({ trial: id, config, folder, checkpoints, until })
  },
  (planned, { id }) =>
    Effect.mapError(planned, (error) => ("outcome" in error ? error : { trial: id, outcome: failure(error) }))
)

/** Progress that reports a note that belongs to no single trial only once, however many trials cause it. */
const reportOnce = Effect.gen(function* () {
  const progress = yield* Progress
  const reported = yield* Ref.make<ReadonlySet<string>>(new Set())
  return Effect.fnUntraced(function* (event: ProgressEvent) {
    if (event._tag === "Note" && event.trial === undefined) {
      const isNew = yield* Ref.modify(reported, (lines) => [!lines.has(event.line), new Set([...lines, event.line])])
      if (!isNew) return
    }
    yield* progress(event)
  })
})
