import { Effect } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import { Checkpoints } from "../../model/Checkpoints.ts"
import { report } from "../../pipeline/Progress.ts"
import { finishedReport } from "../finishedReport.ts"
import { Pages } from "../report/Pages.ts"
import { RunFolder } from "../RunFolder.ts"
import { planRun } from "./plan.ts"
import type { RunEngine } from "./RunEngine.ts"
import { trainRuns } from "./train.ts"

/**
 * A whole run: from a catalogue to a trained, measured network, and everything that the run folder keeps of it. Its life is
 * in four files: it is planned (`plan.ts`), opened (`open.ts`), trained (`train.ts`) and finished (`finish.ts`).
 *
 * Goes on from the folder's newest checkpoint, where there is one of the same configuration and data, and with what the run
 * began on, or with `engine` instead. `former` is the digest of the configuration that it had until now, where it is to be
 * trained longer: its checkpoints under that one are its own.
 */
export const trainRun = Effect.fn("trainRun")(function* (config: RunConfig, engine?: RunEngine, former?: string) {
  const folder = yield* RunFolder
  const checkpoints = yield* Checkpoints
  const planned = yield* planRun({ trial: undefined, config, folder, checkpoints, until: undefined, engine, former })
  const { ended } = yield* trainRuns([planned])
  const outcome = ended[0]?.outcome
  if (outcome?.state === "finished") return outcome.report
  if (outcome !== undefined && "error" in outcome) return yield* outcome.error
  return yield* Effect.die(new Error("a run that is to pause nowhere paused"))
})

/**
 * The report of the run in the folder, where that is finished; nothing where there is something left to do. `config` is
 * the one that the folder has. No file is changed, except that a missing page is written.
 */
export const finishedRun = Effect.fn("finishedRun")(function* (config: RunConfig) {
  const folder = yield* RunFolder
  const found = yield* finishedReport(folder, config)
  if (found === undefined) return undefined
  if (!(yield* folder.has("report.html"))) yield* Effect.flatMap(Pages, (writePages) => writePages(folder))
  yield* report({ _tag: "Note", line: "the run is finished: there is nothing left to do" })
  return found
})
