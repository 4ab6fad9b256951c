import { Schema } from "effect"
import { RunConfig } from "../../config/RunConfig.ts"
import { GroupEnd } from "../../run/search/Group.ts"
import { ReportedEvent } from "../../run/search/SearchNews.ts"
import { GroupWork, TrainerFailed } from "../../run/search/Trainers.ts"

/** Requests to a trainer's process: one of the first two, and later perhaps `Stop`. */
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

/** Answers of a trainer's process: any number of `Progress`, and at last one of the others. */
export const FromTrainer = Schema.fromJsonString(
  Schema.toCodecJson(
    Schema.Union([
      Schema.TaggedStruct("Progress", { event: ReportedEvent }),
      Schema.TaggedStruct("Trained", { end: GroupEnd }),
      Schema.TaggedStruct("Checked", { digest: Schema.String }),
      Schema.TaggedStruct("Failed", { error: TrainerFailed })
    ])
  )
)
export type FromTrainer = typeof FromTrainer.Type
