import { Array, Effect } from "effect"
import type { ProgressEvent } from "../../pipeline/Progress.ts"
import { RunFolder } from "../RunFolder.ts"
import { Runs } from "../Runs.ts"
import type { GroupEnd } from "./Group.ts"
import type { GroupWork, TrainerFailed } from "./Trainers.ts"
import { Trainers } from "./Trainers.ts"
import { writeRecord } from "./TrialRecord.ts"

/** How often the process that trains a group may die before its trials are trained alone. */
export const mostDeaths = 3

type Tell = (event: ProgressEvent) => Effect.Effect<void>

const joined = (ends: ReadonlyArray<GroupEnd>): GroupEnd => ({
  trials: ends.flatMap(({ trials }) => trials),
  passes: ends.reduce((sum, { passes }) => ({ wanted: sum.wanted + passes.wanted, made: sum.made + passes.made }), {
    wanted: 0,
    made: 0
  })
})

/** Records a trial as failed over which every process died: in its folder and in the group's end. */
const givenUp = Effect.fn("insist.givenUp")(function* ({ rung, trials }: GroupWork, detail: string) {
  const ends = yield* Effect.forEach(
    trials,
    Effect.fnUntraced(function* ({ config, id, path }) {
      const end = { id, state: "failed" as const, metric: null, epochs: 0, detail }
      const { folder } = yield* Runs.use((runs) => runs.open(path, config.train.checkpoint.keep))
      yield* writeRecord({ ...end, rung, history: [], chosenEpoch: null, seconds: 0 }).pipe(
        Effect.provideService(RunFolder, folder)
      )
      return end
    })
  )
  return { trials: ends, passes: { wanted: 0, made: 0 } } satisfies GroupEnd
})

/**
 * Trains a group; where the training process dies, a new one goes on from its checkpoints.
 *
 * After `mostDeaths`, each trial of the group is trained alone, so that one that is too large, or kills its process for
 * another reason, does not affect the others. A single trial over which as many processes die has failed. `deaths` is
 * the number of workers that died over the group before.
 */
export const insist = (
  work: GroupWork,
  tell: Tell,
  deaths = 0
): Effect.Effect<GroupEnd, TrainerFailed | Effect.Error<ReturnType<typeof givenUp>>, Trainers | Runs> =>
  Effect.gen(function* () {
    const trainers = yield* Trainers
    let last = "the workers that trained it before died"
    for (let died = deaths; died < mostDeaths; died++) {
      const trained = yield* Effect.result(trainers.train(work, tell))
      if (trained._tag === "Success") return trained.success
      if (trained.failure._tag === "TrainerFailed") return yield* trained.failure
      last = trained.failure.detail
      const who = work.trials.map(({ id }) => id).join(", ")
      yield* tell({
        _tag: "Note",
        line: `${who}: ${trained.failure.message}${died + 1 < mostDeaths ? "; a new one goes on from its checkpoints" : ""}`
      })
    }
    if (work.trials.length > 1) {
      yield* tell({ _tag: "Note", line: "each of these trials is now trained alone" })
      return joined(yield* Effect.forEach(work.trials, (trial) => insist({ ...work, trials: Array.of(trial) }, tell)))
    }
    return yield* givenUp(work, `the process that trained it died ${mostDeaths} times (${last})`)
  })
