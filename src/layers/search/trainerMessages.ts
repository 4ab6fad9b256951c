import { Schema } from "effect"
import { RunConfig } from "../../config/RunConfig.ts"
import { GroupEnd } from "../../run/search/Group.ts"
import { Told } from "../../run/search/SearchNews.ts"
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

/** What it answers: how it goes, and at last one of the other three. */
export const FromTrainer = Schema.fromJsonString(
  Schema.toCodecJson(
    Schema.Union([
      Schema.TaggedStruct("Progress", { event: Told }),
      Schema.TaggedStruct("Trained", { end: GroupEnd }),
      Schema.TaggedStruct("Checked", { digest: Schema.String }),
      Schema.TaggedStruct("Failed", { error: TrainerFailed })
    ])
  )
)
export type FromTrainer = typeof FromTrainer.Type
