import { Context, Duration, Effect, Schedule } from "effect"
import { mkdir, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { report } from "../../../pipeline/Progress.ts"
import type { Wanted } from "./attempt.ts"
import { attempt } from "./attempt.ts"
import { DownloadError, downloadError } from "./DownloadError.ts"
import type { Hash, Part } from "../../storage/Part.ts"
import { dropPart, finishPart, hashOf, partOf } from "../../storage/Part.ts"
import { withProgress } from "./Transfer.ts"

/** Waiting times, in milliseconds. */
export const Timing = Context.Reference("weft/layers/download/Timing", {
  defaultValue: () => ({
    /** The longest silence of a server. */
    patience: 20_000,
    /** Before the second try; twice as long before each one after it. */
    pause: 500,
    /** The longest wait that a server may ask for; beyond it, the download fails. */
    longestWait: 120_000
  })
})

/** Tries before a download is given up, each going on where the last one stopped. */
const tries = 5

/** Waits twice as long from try to try, and at least as long as the server asks. */
const patiently = (name: string, pause: number) =>
  Schedule.exponential(pause).pipe(
    Schedule.setInputType<DownloadError>(),
    Schedule.modifyDelay(({ duration, input: { retryAfter } }) => {
      if (retryAfter === undefined || retryAfter <= Duration.toMillis(duration)) return Effect.succeed(duration)
      const line = `${name}: the server asks to wait ${(retryAfter / 1000).toFixed(0)} s`
      return Effect.as(report({ _tag: "Note", line }), Duration.millis(retryAfter))
    })
  )

/** An interruption waits for the try to end: nothing writes to the part once the effect is over. */
const toItsEnd = <A>(work: (signal: AbortSignal) => Promise<A>) =>
  Effect.suspend(() => {
    const controller = new AbortController()
    const working = work(controller.signal)
    return Effect.tryPromise({ try: () => working, catch: (cause) => ({ cause }) }).pipe(
      Effect.onInterrupt(() => {
        controller.abort()
        return Effect.ignore(Effect.tryPromise(() => working))
      })
    )
  })

/** Why a fetched file is not the expected one. */
export interface Unwanted {
  readonly detail: string
  /** Another kind of file altogether, not a damaged one. */
  readonly isOtherKind: boolean
}

/** Throws a part away that differs from what was published. */
const check = async (url: string, part: Part, size: number | undefined, hash: Hash | undefined) => {
  const { size: actualSize } = await stat(part.path)
  const actual = hash === undefined ? undefined : await hashOf(part.path, hash.algorithm)
  const faults = [
    ...(size === undefined || size === actualSize ? [] : [`it has ${actualSize} bytes, and ${size} are published`]),
    ...(actual === hash?.hex
      ? []
      : [
          `it has the ${hash?.algorithm} ${actual}, and ${hash?.hex} is published: it was damaged or replaced on the way`
        ])
  ]
  if (faults.length === 0) return
  await dropPart(part)
  throw new DownloadError({ reason: "damaged", url, detail: faults.join("; ") })
}

/**
 * Fetches a file to `path`, goes on with what an earlier try left in `PATH.part`, and checks it: against `hash` where
 * given, else against the hash and the length that the server published. Only a complete, checked file gets its name.
 *
 * Returns the hash that it was checked against. Only one caller may fetch a file at a time. Fails with a DownloadError.
 */
export const download = Effect.fn("download")(function* (
  wanted: Wanted & {
    readonly path: string
    readonly name: string
    readonly hash?: Hash | undefined
    /** Names another kind of file than expected, which is then thrown away. */
    readonly examine?: (path: string) => Effect.Effect<Unwanted | undefined>
  }
) {
  const { name, path, url } = wanted
  const part = partOf(path)
  const run = <A>(work: (signal: AbortSignal) => Promise<A>) =>
    Effect.mapError(toItsEnd(work), ({ cause }) => downloadError(url, cause))
  yield* run(() => mkdir(dirname(path), { recursive: true }))
  const { longestWait, patience, pause } = yield* Timing
  const published = yield* withProgress(name, (onBytes) =>
    run((signal) => attempt(wanted, part, patience, onBytes, signal)).pipe(
      Effect.retry({
        schedule: patiently(name, pause),
        times: tries - 1,
        while: ({ reason, retryAfter }) => reason === "unreachable" && (retryAfter ?? 0) <= longestWait
      })
    )
  )
  const hash = wanted.hash ?? published.hash
  const unwanted = wanted.examine === undefined ? undefined : yield* wanted.examine(part.path)
  const drop = (detail: string) =>
    Effect.andThen(
      run(() => dropPart(part)),
      Effect.fail(new DownloadError({ reason: "otherFile", url, detail }))
    )
  // That it is a web page says more than that its hash is wrong.
  if (unwanted?.isOtherKind === true) return yield* drop(unwanted.detail)
  yield* run(() => check(url, part, published.size, hash))
  if (unwanted !== undefined) return yield* drop(unwanted.detail)
  yield* run(() => finishPart(part, path))
  return hash
})
