/** A trainer's process: asked over its channel, it does one thing and ends. `ChildTrainers` starts it. */
import { Cause, Clock, Effect, Fiber, Schema } from "effect"
import type { ProgressEvent } from "./pipeline/Progress.ts"
import { Progress } from "./pipeline/Progress.ts"
import { checkRuns } from "./run/search/checkRuns.ts"
import { TrainerFailed } from "./run/search/Trainers.ts"
import { workGroup } from "./run/search/workGroup.ts"
import * as Runtime from "effect/Runtime"
import * as LiveLayers from "./Live.ts"
import { FromTrainer, ToTrainer } from "./layers/search/trainerMessages.ts"

const encode = Schema.encodeSync(FromTrainer)

/** Resolves when the parent has the message; where the parent is gone, this process has been ended. */
const send = (message: FromTrainer): Promise<void> =>
  new Promise((resolve) => process.send?.(encode(message), undefined, undefined, () => resolve()))

/** Sends progress to the parent: at most ten events of a kind a second; epochs and notes always. */
const sendProgress = Effect.sync(() => {
  const last = new Map<string, bigint>()
  return Effect.fnUntraced(function* (event: ProgressEvent) {
    const now = yield* Clock.currentTimeNanos
    const isLasting = event._tag === "Epoch" || event._tag === "Note"
    const before = last.get(event._tag)
    if (!isLasting && before !== undefined && now - before < 100_000_000n) return
    last.set(event._tag, now)
    yield* Effect.promise(() => send({ _tag: "Progress", event }))
  })
})

/** The error message and exit code of this work, for the parent to report. */
const failedOf = (cause: Cause.Cause<unknown>): TrainerFailed => {
  const error = Cause.squash(cause)
  const expected = Cause.hasFails(cause) && error instanceof Error
  return new TrainerFailed({
    detail: expected ? error.message : `this is a fault in Weft, please report it: ${Cause.pretty(cause)}`,
    code: expected ? Runtime.getErrorExitCode(error) : 1
  })
}

/** Runs the work, and sends the answer; an interrupted one sends none, as nobody waits for it. */
const answering = <E, R>(work: Effect.Effect<FromTrainer, E, R>) =>
  Effect.gen(function* () {
    const reply = yield* work.pipe(
      Effect.provideService(Progress, yield* sendProgress),
      Effect.provide(LiveLayers.layer),
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.interrupt
          : Effect.succeed<FromTrainer>({ _tag: "Failed", error: failedOf(cause) })
      )
    )
    yield* Effect.promise(() => send(reply))
  })

const answer = (asked: Exclude<ToTrainer, { _tag: "Stop" }>) =>
  asked._tag === "Train"
    ? answering(Effect.map(workGroup(asked.work), (end) => ({ _tag: "Trained", end })))
    : answering(Effect.map(checkRuns(asked.configs), (digest) => ({ _tag: "Checked", digest })))

let working: Fiber.Fiber<void> | undefined
const stop = () => (working === undefined ? process.exit(130) : working.interruptUnsafe())

process.on("message", (raw) => {
  const asked = Schema.decodeUnknownSync(ToTrainer)(raw)
  if (asked._tag === "Stop") return stop()
  const fiber = Effect.runFork(answer(asked))
  working = fiber
  fiber.addObserver((exit) => process.exit(exit._tag === "Success" ? 0 : 130))
})
// A terminal's Ctrl-C and hang-up also reach the parent, which then sends `Stop`. Without a parent, the result would be
// lost.
for (const signal of ["SIGINT", "SIGHUP"]) process.on(signal, () => {})
process.on("SIGTERM", stop)
process.on("disconnect", () => process.exit(1))
