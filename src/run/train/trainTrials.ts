import { Effect, Ref, Result } from "effect"
import type { EpochRecord, Report } from "../../metrics/Report.ts"
import type { ProgressEvent } from "../../pipeline/Progress.ts"
import { Progress } from "../../pipeline/Progress.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { finishedReport } from "../finishedReport.ts"
import type { Member } from "./Member.ts"
import { beginMember } from "./Member.ts"
import { passKey } from "./passKey.ts"
import { resolveConfig } from "./resolveConfig.ts"
import { Runs } from "../Runs.ts"
import type { MemberEnding, MemberError } from "./trainGroup.ts"
import { trainGroup } from "./trainGroup.ts"

/** A trial: a run among others. */
export interface TrialToTrain {
  readonly id: string
  readonly config: RunConfig
  /** The run's folder; made where it is not there. */
  readonly path: string
  /** Epochs after which it pauses, as a run that was interrupted there would, able to go on; undefined: to its end. */
  readonly until?: number | undefined
}

/** How a trial ended; `detail` is for people. */
export type TrialOutcome = { readonly id: string } & (
  | { readonly state: "finished"; readonly report: Report }
  | { readonly state: "paused"; readonly history: ReadonlyArray<EpochRecord> }
  | {
      readonly state: "diverged" | "failed"
      readonly detail: string
      /** Of the epochs that were done. */
      readonly history: ReadonlyArray<EpochRecord>
    }
)

/**
 * Trains trials together that share their data, preprocessing, seed, size of batches and engine (`passKey`; others are a
 * defect): every batch is decoded and augmented once, passed once through each frozen part that they share, and given to
 * all who learn from it. Each trial's folder is the one that `trainRun` alone would leave.
 *
 * A trial that fails or diverges does not touch the others; one whose folder is finished is not trained again; the rest
 * go on from their checkpoints. What concerns all fails: data that cannot be used, an engine that cannot run.
 *
 * `passes` are images that were decoded and passed through the frozen part, for training and for measuring: as many as
 * the trials wanted, and as many as were made.
 */
export const trainTrials = Effect.fn("trainTrials")(function* (trials: ReadonlyArray<TrialToTrain>) {
  if (new Set(trials.map(({ config }) => passKey(config))).size > 1)
    return yield* Effect.die(new Error("trials that are trained together must have the same passKey"))
  const tell = yield* once
  const begun = yield* Effect.forEach(trials, (trial) => Effect.result(begin(trial))).pipe(
    Effect.provideService(Progress, tell)
  )
  const members = begun.flatMap((one) => (Result.isSuccess(one) && "anyClasses" in one.success ? [one.success] : []))
  const { endings, passes } = yield* Effect.provideService(trainGroup(members), Progress, tell)
  const outcomes = trials.map(({ id }, i) => {
    const one = begun[i]! // one for each
    return { id, ...outcomeOf(Result.isSuccess(one) ? one.success : failed(one.failure), endings) }
  })
  return { outcomes: outcomes as ReadonlyArray<TrialOutcome>, passes }
}, Effect.scoped)

const failed = (error: MemberError): MemberEnding => ({ state: "failed", error, history: [] })

const outcomeOf = (begun: Member | MemberEnding, endings: ReadonlyMap<Member, MemberEnding>) => {
  const ending = "anyClasses" in begun ? endings.get(begun)! : begun // each member has one
  if (ending.state !== "failed") return ending
  const { error, history } = ending
  return { state: error._tag === "TrainingDiverged" ? "diverged" : "failed", detail: error.message, history } as const
}

/** A trial that is to be trained, or what it has come to already. */
const begin = Effect.fn("trainTrials.begin")(function* ({ config, id, path, until }: TrialToTrain) {
  const runs = yield* Runs
  yield* runs.hold(path, "wait")
  const { checkpoints, folder } = yield* runs.open(path, config.train.checkpoint.keep)
  if (!(yield* folder.has("report.json"))) return yield* beginMember({ trial: id, config, folder, checkpoints, until })
  const report = yield* finishedReport(folder, yield* resolveConfig(config), path)
  if (report === undefined) return yield* beginMember({ trial: id, config, folder, checkpoints, until })
  return { state: "finished", report } satisfies MemberEnding
})

/** Tells a note that concerns no trial alone once, however many trials come upon it. */
const once = Effect.gen(function* () {
  const tell = yield* Progress
  const told = yield* Ref.make<ReadonlySet<string>>(new Set())
  return Effect.fnUntraced(function* (event: ProgressEvent) {
    if (event._tag === "Note" && event.trial === undefined) {
      const isNew = yield* Ref.modify(told, (lines) => [!lines.has(event.line), new Set([...lines, event.line])])
      if (!isNew) return
    }
    yield* tell(event)
  })
})

export { passKey } from "./passKey.ts"
