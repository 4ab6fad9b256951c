import { Effect } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import { Checkpoints } from "../../model/Checkpoints.ts"
import { report } from "../../pipeline/Progress.ts"
import { finishedReport } from "../finishedReport.ts"
import { isUnfinished } from "../report/page.ts"
import { Pages } from "../report/Pages.ts"
import { RunFolder } from "../RunFolder.ts"
import { planRun } from "./plan.ts"
import type { RunEngine } from "./RunEngine.ts"
import { trainRuns } from "./train.ts"

/**
 * A whole run: from a catalogue to a trained, measured network, and everything that the run folder keeps of it. Its
 * life is in four files: it is planned (`plan.ts`), opened (`open.ts`), trained (`train.ts`) and finished
 * (`finish.ts`).
 *
 * Goes on from the folder's newest checkpoint, where there is one of the same configuration and data, on the engine
 * that the run began on, or on `engine` instead. `former` is the digest of the configuration that the run had before it
 * is trained longer: checkpoints of that digest are its own.
 */
export const trainRun = Effect.fn("trainRun")(function* (config: RunConfig, engine?: RunEngine, former?: string) {
  const folder = yield* RunFolder
  const checkpoints = yield* Checkpoints
  yield* Effect.annotateCurrentSpan({ run: folder.path, name: config.name, network: config.network.name })
  const planned = yield* planRun({ trial: undefined, config, folder, checkpoints, until: undefined, engine, former })
  const { ended } = yield* trainRuns([planned])
  const outcome = ended[0]?.outcome
  if (outcome?.state === "finished") return outcome.report
  if (outcome !== undefined && "error" in outcome) return yield* outcome.error
  return yield* Effect.die(new Error("a run without `until` paused"))
})

/**
 * The report of the run in the folder where it is finished; undefined where it is not. `config` is the folder's own. No
 * file is changed, except that a missing page is written.
 */
export const finishedRun = Effect.fn("finishedRun")(function* (config: RunConfig) {
  const folder = yield* RunFolder
  const found = yield* finishedReport(folder, config)
  if (found === undefined) return undefined
  if (!(yield* hasPage(folder))) yield* Effect.flatMap(Pages, (writePages) => writePages(folder))
  yield* report({ _tag: "Note", line: "the run is finished: nothing is left to do" })
  return found
})

/** Whether there is a page of the finished run: one that was written during the training does not count. */
const hasPage = (folder: RunFolder["Service"]) =>
  folder.read("report.html").pipe(
    Effect.map((bytes) => !isUnfinished(new TextDecoder().decode(bytes))),
    Effect.orElseSucceed(() => false)
  )
