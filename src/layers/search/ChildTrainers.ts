import { Effect, Layer, Queue, Schema } from "effect"
import type { ChildProcess } from "node:child_process"
import { fork } from "node:child_process"
import { availableParallelism } from "node:os"
import { createInterface } from "node:readline"
import type { ProgressEvent } from "../../pipeline/Progress.ts"
import { report } from "../../pipeline/Progress.ts"
import { TrainerDied, Trainers } from "../../run/search/Trainers.ts"
import { FromTrainer, ToTrainer } from "./trainerMessages.ts"

/** A process that was asked to stop ends its step and leaves checkpoints; one that hangs is killed. Milliseconds. */
const patience = 60_000

/** How many lines of what a process said before it died are repeated. */
const lastWords = 5

/** What happens to a process, in its order. */
type Happening = { readonly _tag: "Said"; readonly message: unknown } | { readonly _tag: "Ended"; readonly how: string }

interface Child {
  readonly process: ChildProcess
  readonly happenings: Queue.Dequeue<Happening>
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
    const happenings = yield* Queue.make<Happening>()
    const child = fork(program, [], {
      env: environment(places),
      execPath: process.execPath,
      execArgv: [],
      // What a library prints must not stand among our results.
      stdio: ["ignore", "pipe", "pipe", "ipc"]
    })
    const said: Array<string> = []
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null)
        createInterface({ input: stream }).on("line", (line) => {
          said.push(line)
          if (said.length > lastWords) said.shift()
        })
    child.on("message", (message) => Queue.offerUnsafe(happenings, { _tag: "Said", message }))
    child.on("error", (error) => Queue.offerUnsafe(happenings, { _tag: "Ended", how: error.message }))
    child.on("close", (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`
      Queue.offerUnsafe(happenings, { _tag: "Ended", how: [how, ...said].join("; ") })
    })
    return { process: child, happenings } satisfies Child
  })

const isGone = ({ process }: Child) => process.exitCode !== null || process.signalCode !== null

/** It has ended when this is done. An interruption waits for it, so its patience is a timer's. */
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

/** Asks a new process, and gives its answer; ends it, come what may. */
const ask = (options: Options, asked: ToTrainer, tell: (event: ProgressEvent) => Effect.Effect<void>) =>
  Effect.acquireUseRelease(
    start(options),
    Effect.fnUntraced(function* ({ happenings, process }) {
      process.send(yield* Effect.orDie(Schema.encodeEffect(ToTrainer)(asked)))
      while (true) {
        const happening = yield* Queue.take(happenings)
        if (happening._tag === "Ended") return yield* new TrainerDied({ detail: happening.how })
        const answer = yield* Effect.orDie(Schema.decodeUnknownEffect(FromTrainer)(happening.message))
        if (answer._tag === "Failed") return yield* answer.error
        if (answer._tag !== "Progress") return answer
        yield* tell(answer.event)
      }
    }),
    stop
  )

const unexpected = (tag: string) => Effect.die(new Error(`a trainer answered with ${tag}`))

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
