import { Schema } from "effect"
import type { ProgressEvent } from "../../Progress.ts"
import { RunConfig } from "../../RunConfig.ts"
import { GroupEnd } from "../../run/search/Group.ts"
import { GroupWork, TrainerFailed } from "../../run/search/Trainers.ts"

/** What a trainer's process is asked, and then that it stop. */
export const ToTrainer = Schema.fromJsonString(
  Schema.toCodecJson(
    Schema.Union([
      Schema.TaggedStruct("Train", { work: GroupWork }),
      Schema.TaggedStruct("Check", { configs: Schema.Array(RunConfig) }),
      Schema.TaggedStruct("Stop", {})
    ])
  )
)
export type ToTrainer = typeof ToTrainer.Type

/** Told by a process of this very program, in which a ProgressEvent is data that JSON holds as it is. */
const Event = Schema.Unknown.pipe(
  Schema.refine((value): value is ProgressEvent => typeof value === "object" && value !== null)
)

/** What it answers: how it goes, and at last one of the other three. */
export const FromTrainer = Schema.fromJsonString(
  Schema.toCodecJson(
    Schema.Union([
      Schema.TaggedStruct("Progress", { event: Event }),
      Schema.TaggedStruct("Trained", { end: GroupEnd }),
      Schema.TaggedStruct("Checked", { digest: Schema.String }),
      Schema.TaggedStruct("Failed", { error: TrainerFailed })
    ])
  )
)
export type FromTrainer = typeof FromTrainer.Type
