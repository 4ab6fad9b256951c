import { Clock, Effect } from "effect"
import { report } from "../../pipeline/Progress.ts"

/** The speed is that of the last minute: workers come and go. */
const window = 60_000_000_000n

/** Reports the progress of a prediction of `total` files: how many are done, how fast, and how long it will take. */
export const openShardMeter = (total: number) => {
  const seen: Array<{ readonly at: bigint; readonly done: number }> = []
  return Effect.fnUntraced(function* (done: number, workers?: number) {
    const at = yield* Clock.currentTimeNanos
    seen.push({ at, done })
    while (seen.length > 2 && at - (seen[0]?.at ?? at) > window) seen.shift()
    const first = seen[0] ?? { at, done }
    const seconds = Number(at - first.at) / 1e9
    const photosPerSecond = seconds === 0 ? 0 : Math.max(0, done - first.done) / seconds
    const secondsLeft = photosPerSecond === 0 ? undefined : (total - done) / photosPerSecond
    yield* report({ _tag: "Predicting", done, total, photosPerSecond, secondsLeft, workers })
  })
}
