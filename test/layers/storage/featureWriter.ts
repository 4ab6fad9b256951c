/** Writes rows into a cache until it is done or killed: FOLDER FIRST COUNT. Prints a line for each batch. */
import { Console, Effect } from "effect"
import * as DiskFeatureCache from "../../../src/layers/storage/DiskFeatureCache.ts"
import { keyOf, rowsOf, spaceOf } from "../../model/featureCacheContract.ts"

const [folder = "", first = "0", count = "0"] = process.argv.slice(2)

const space = spaceOf("a", 200)

await Effect.runPromise(
  Effect.gen(function* () {
    const cache = DiskFeatureCache.make({ folder, bytes: 1e9 })
    for (let at = Number(first); at < Number(first) + Number(count); at += 10) {
      const keys = Array.from({ length: 10 }, (_, i) => keyOf(at + i))
      yield* cache.write(space, keys, rowsOf(keys, space))
      yield* Console.log(at)
    }
  })
)
