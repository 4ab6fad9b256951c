import { Effect, Layer, Queue, Schema } from "effect"
import type { ChildProcess } from "node:child_process"
import { fork } from "node:child_process"
import { availableParallelism } from "node:os"
import { createInterface } from "node:readline"
import type { ProgressEvent } from "../../pipeline/Progress.ts"
import { report } from "../../pipeline/Progress.ts"
import { TrainerDied, Trainers } from "../../run/search/Trainers.ts"
import { FromTrainer, ToTrainer } from "./trainerMessages.ts"

/**
 * How long a process may take to end after it was asked to stop, in milliseconds: it ends its step and leaves
 * checkpoints. Then it is killed.
 */
const patience = 60_000

/** How many of a dead process's last lines of output a message repeats. */
const mostLines = 5

/** The events of a process, in their order. */
type ProcessEvent =
  | { readonly _tag: "Message"; readonly message: unknown }
  | { readonly _tag: "Ended"; readonly how: string }

interface Child {
  readonly process: ChildProcess
  readonly events: Queue.Dequeue<ProcessEvent>
}

/** Secrets are not handed on: a trainer needs no database. */
const environment = (places: number): NodeJS.ProcessEnv => {
  const { WEFT_CLUSTER: _, ...inherited } = process.env
  const threads = String(Math.max(1, Math.floor(availableParallelism() / places)))
  return places === 1
    ? inherited
    : { WEFT_THREADS: threads, TF_NUM_INTRAOP_THREADS: threads, OMP_NUM_THREADS: threads, ...inherited }
}

/** The program of a trainer's process, and how many such processes divide the processors. */
interface Options {
  readonly program: string
  readonly places: number
}

const start = ({ places, program }: Options) =>
  Effect.gen(function* () {
    const events = yield* Queue.make<ProcessEvent>()
    const child = fork(program, [], {
      env: environment(places),
      execPath: process.execPath,
      execArgv: [],
      // What a library prints must not stand among our results.
      stdio: ["ignore", "pipe", "pipe", "ipc"]
    })
    const lines: Array<string> = []
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null)
        createInterface({ input: stream }).on("line", (line) => {
          lines.push(line)
          if (lines.length > mostLines) lines.shift()
        })
    child.on("message", (message) => Queue.offerUnsafe(events, { _tag: "Message", message }))
    child.on("error", (error) => Queue.offerUnsafe(events, { _tag: "Ended", how: error.message }))
    child.on("close", (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`
      Queue.offerUnsafe(events, { _tag: "Ended", how: [how, ...lines].join("; ") })
    })
    return { process: child, events } satisfies Child
  })

const isGone = ({ process }: Child) => process.exitCode !== null || process.signalCode !== null

/** Done once the process has ended. An interruption waits for it, so that a timer bounds the wait. */
const stop = (child: Child) =>
  Effect.callback<void>((resume) => {
    if (isGone(child)) return resume(Effect.void)
    const timer = setTimeout(() => child.process.kill("SIGKILL"), patience)
    child.process.once("exit", () => {
      clearTimeout(timer)
      resume(Effect.void)
    })
    if (child.process.connected) child.process.send(Schema.encodeSync(ToTrainer)({ _tag: "Stop" }))
  })

/** Sends a request to a new process, and returns its answer; always ends the process. */
const ask = (options: Options, asked: ToTrainer, tell: (event: ProgressEvent) => Effect.Effect<void>) =>
  Effect.acquireUseRelease(
    start(options),
    Effect.fnUntraced(function* ({ events, process }) {
      process.send(yield* Effect.orDie(Schema.encodeEffect(ToTrainer)(asked)))
      while (true) {
        const event = yield* Queue.take(events)
        if (event._tag === "Ended") return yield* new TrainerDied({ detail: event.how })
        const answer = yield* Effect.orDie(Schema.decodeUnknownEffect(FromTrainer)(event.message))
        if (answer._tag === "Failed") return yield* answer.error
        if (answer._tag !== "Progress") return answer
        yield* tell(answer.event)
      }
    }),
    stop
  )

const unexpected = (tag: string) => Effect.die(new Error(`a trainer gave the unexpected answer ${tag}`))

/**
 * Trains each group in a process of its own, which is gone afterwards, with all its memory: `places` of them work side by
 * side and divide the processors. A process reports its own failures; where it dies, its last lines are reported.
 */
export const layer = (options: Options) =>
  Layer.succeed(Trainers, {
    train: Effect.fn("Trainers.train")(function* (work, tell) {
      const answer = yield* ask(options, { _tag: "Train", work }, tell)
      return answer._tag === "Trained" ? answer.end : yield* unexpected(answer._tag)
    }),
    check: Effect.fn("Trainers.check")(function* (configs) {
      const answer = yield* ask(options, { _tag: "Check", configs }, report)
      return answer._tag === "Checked" ? answer.digest : yield* unexpected(answer._tag)
    })
  })
