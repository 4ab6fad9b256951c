import { Effect } from "effect"
import { ConfigError } from "../../config/RunConfig.ts"
import type { RunFolder } from "../RunFolder.ts"
import type { ShardedPrediction } from "./shardedPrediction.ts"
import { openShardPredictor, unfinishedShards } from "./shardedPrediction.ts"
import { openShardMeter } from "./shardMeter.ts"

/** Predicts the shards that are not finished in this process, one after the other. */
export const predictShards = Effect.fn("predictShards")(function* (
  folder: RunFolder["Service"],
  prediction: ShardedPrediction
) {
  const { computes, filesOf, left } = yield* unfinishedShards(folder, prediction)
  if (left.length === 0) return
  const predictor = yield* openShardPredictor(folder)
  if (computes !== undefined && computes !== predictor.computes)
    return yield* new ConfigError({
      where: folder.path,
      problems: [
        `its finished shards were computed by ${computes}, and here it would be ${predictor.computes}. Go on where that runs, or begin in another folder, with an --engine that every machine has`
      ]
    })
  const tell = openShardMeter(prediction.files)
  let done = prediction.files - left.reduce((sum, shard) => sum + filesOf(shard), 0)
  for (const shard of left) {
    yield* predictor.predict(shard, (own) => tell(done + own))
    done += filesOf(shard)
  }
}, Effect.scoped)
