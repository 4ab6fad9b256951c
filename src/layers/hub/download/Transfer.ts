import { Effect } from "effect"
import { report } from "../../../pipeline/Progress.ts"

/** How far a transfer is: bytes that are there, and all of them where that is known. */
export type OnBytes = (done: number, total: number | undefined) => void

/** Runs `work`, and reports how far it is each half a second under a name. */
export const withProgress = <A, E, R>(name: string, work: (onBytes: OnBytes) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const begin = performance.now()
    let first: number | undefined
    let done = 0
    let total: number | undefined
    const tell = Effect.suspend(() => {
      const seconds = (performance.now() - begin) / 1000
      // Bytes from an earlier try say nothing about the speed.
      const bytesPerSecond = seconds > 0 ? (done - (first ?? 0)) / seconds : 0
      return done === 0 ? Effect.void : report({ _tag: "Transfer", name, done, total, bytesPerSecond })
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep("500 millis"), tell)))
    const result = yield* work((now, all) => {
      first ??= now
      done = now
      total = all
    })
    yield* tell
    return result
  }).pipe(Effect.scoped)
