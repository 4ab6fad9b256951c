import { Effect } from "effect"
import { Checkpoints } from "../model/Checkpoints.ts"
import type { RunConfig } from "../RunConfig.ts"
import { beginMember } from "./Member.ts"
import { RunFolder } from "./RunFolder.ts"
import { trainGroup } from "./trainGroup.ts"

/**
 * A whole run: from a catalogue to a trained, measured network, and everything that the run folder keeps of it.
 *
 * Goes on from the folder's newest checkpoint, where there is one of the same configuration and data.
 */
export const trainRun = Effect.fn("trainRun")(function* (config: RunConfig) {
  const folder = yield* RunFolder
  const checkpoints = yield* Checkpoints
  const member = yield* beginMember({ trial: undefined, config, folder, checkpoints, until: undefined })
  const { endings } = yield* trainGroup([member])
  const ending = endings.get(member)! // each has one
  if (ending.state === "failed") return yield* Effect.fail(ending.error)
  // A run that is to pause nowhere was finished.
  return ending.state === "finished" ? ending.report : yield* Effect.die(new Error("the run paused"))
})
