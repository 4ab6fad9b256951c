import { Effect } from "effect"
import { Checkpoints } from "../../src/model/Checkpoints.ts"
import { checkpointsContract } from "./checkpointsContract.ts"

checkpointsContract(
  "in memory",
  200,
  Effect.sync(() => {
    const files = new Map<string, Uint8Array>()
    return {
      open: (keep) => Checkpoints.pipe(Effect.provide(Checkpoints.layerMemory(keep, files))),
      names: Effect.sync(() => [...files.keys()]),
      read: (name) => Effect.fromNullishOr(files.get(name)).pipe(Effect.orDie),
      write: (name, bytes) => Effect.sync(() => void files.set(name, bytes))
    }
  })
)
