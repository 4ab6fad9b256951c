import { Effect } from "effect"
import type { EpochRecord, Report } from "../../metrics/Report.ts"
import type { ProductsError } from "../../model/baseline/Products.ts"
import type { EngineError, EngineUnavailable } from "../../model/Engine.ts"
import type { FeaturesError } from "../../model/Features.ts"
import type { NetworkMisfit } from "../../model/networks.ts"
import type { UnknownBlock } from "../../model/parts.ts"
import type { WeightsError } from "../../model/Pretrained.ts"
import type { TeacherError } from "../../model/TeacherModel.ts"
import type { LearnerError, Outcome, Passes } from "../../model/Training.ts"
import { addPasses, failure, noPasses } from "../../model/Training.ts"
import type { DataUnusable } from "../../pipeline/DataUnusable.ts"
import type { FeedFailed } from "../../pipeline/Feed.ts"
import type { ImageRefused } from "../../pipeline/Images.ts"
import type { LabelNoiseError } from "../labelNoise/LabelNoiseError.ts"
import type { RunFolderError } from "../RunFolder.ts"

/** The errors that end one run, and leave those that are trained with it alone. */
export type RunFailure =
  | LearnerError
  | RunFolderError
  | NetworkMisfit
  | UnknownBlock
  | WeightsError
  | TeacherError
  | EngineError
  | EngineUnavailable
  | FeaturesError
  | LabelNoiseError
  | ProductsError
  | DataUnusable
  | FeedFailed
  | ImageRefused

/** How a run ended; a finished one has its report. */
export type RunOutcome = Outcome<{ readonly report: Report }, RunFailure>

/** A run that has ended, with its trial's id where it is one of many. */
export interface EndedRun {
  readonly trial: string | undefined
  readonly outcome: RunOutcome
}

/** How several runs ended, and the images that were made for them. */
export interface Ended {
  readonly ended: ReadonlyArray<EndedRun>
  readonly passes: Passes
}

export const together = (groups: ReadonlyArray<Ended>): Ended => ({
  ended: groups.flatMap(({ ended }) => ended),
  passes: groups.map(({ passes }) => passes).reduce(addPasses, noPasses)
})

/**
 * Takes each of several runs a stage further; returns those that succeeded, and those that this has ended, with the
 * history of `historyOf`.
 */
export const each = <Run extends { readonly trial: string | undefined }, Next, E extends RunFailure, R>(
  runs: ReadonlyArray<Run>,
  stage: (run: Run) => Effect.Effect<Next, E, R>,
  historyOf: (run: Run) => ReadonlyArray<EpochRecord> = () => []
): Effect.Effect<[there: Array<Next>, ended: Array<EndedRun>], never, R> =>
  Effect.partition(runs, (run) =>
    Effect.mapError(stage(run), (error) => ({ trial: run.trial, outcome: failure(error, historyOf(run)) }))
  )
