import { Effect } from "effect"
import { Checkpoints } from "../../model/Checkpoints.ts"
import { report } from "../../pipeline/Progress.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { finishedReport } from "../finishedReport.ts"
import { beginMember } from "./Member.ts"
import { Pages } from "../report/Pages.ts"
import type { RunEngine } from "./RunEngine.ts"
import { RunFolder } from "../RunFolder.ts"
import { trainGroup } from "./trainGroup.ts"

/**
 * A whole run: from a catalogue to a trained, measured network, and everything that the run folder keeps of it.
 *
 * Goes on from the folder's newest checkpoint, where there is one of the same configuration and data, and with what the run
 * began on, or with `engine` instead.
 */
export const trainRun = Effect.fn("trainRun")(function* (config: RunConfig, engine?: RunEngine) {
  const folder = yield* RunFolder
  const checkpoints = yield* Checkpoints
  const member = yield* beginMember({ trial: undefined, config, folder, checkpoints, until: undefined, engine })
  const { endings } = yield* trainGroup([member])
  const ending = endings.get(member)! // each has one
  if (ending.state === "failed") return yield* Effect.fail(ending.error)
  // A run that is to pause nowhere was finished.
  return ending.state === "finished" ? ending.report : yield* Effect.die(new Error("the run paused"))
})

/**
 * The report of the run in the folder, where that is finished; nothing where there is something left to do. `config` is
 * the one that the folder has. No file is changed, but for a page that was not written any more.
 */
export const finishedRun = Effect.fn("finishedRun")(function* (config: RunConfig) {
  const folder = yield* RunFolder
  const found = yield* finishedReport(folder, config)
  if (found === undefined) return undefined
  if (!(yield* folder.has("report.html"))) yield* Effect.flatMap(Pages, (writePages) => writePages(folder))
  yield* report({ _tag: "Note", line: "the run is finished: there is nothing left to do" })
  return found
})
