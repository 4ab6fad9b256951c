import { Effect, Fiber, Layer, Schedule, Schema, Stream } from "effect"
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { access, mkdir, readdir, readFile } from "node:fs/promises"
import { constants, setPriority } from "node:os"
import { join, resolve } from "node:path"
import { createInterface } from "node:readline"
import * as Checkpoint from "../../../model/Checkpoint.ts"
import { checkpointsAmong } from "../../../model/Checkpoints.ts"
import { messageOf } from "../../../pipeline/messageOf.ts"
import { DeskError } from "../../../run/serve/DeskFaults.ts"
import { Retraining } from "../../../run/serve/Retraining.ts"
import { TrainingDied, Trainings } from "../../../run/serve/Trainings.ts"
import { atomicWrite } from "../../storage/atomicWrite.ts"
import { fileHeader } from "../../storage/SafetensorsFile.ts"

/** How a training's process is started. */
interface Options {
  /** Of the desk: its runs are in `runs/`. */
  readonly folder: string
  /** Folders whose images a run may read beside the catalogue's: uploads. */
  readonly images: string
  /** Weft's own program. */
  readonly program: string
}

/** How long a process may take to end after it was asked to, in milliseconds. */
const patience = 60_000

/** How many of a dead process's last lines a message repeats. */
const mostLines = 5

const StateText = Schema.fromJsonString(Retraining)

const failed = (what: string) => (cause: unknown) => new DeskError({ detail: `${what}: ${messageOf(cause)}`, cause })

const isThere = (path: string) =>
  Effect.promise(() =>
    access(path).then(
      () => true,
      () => false
    )
  )

/** Secrets are not handed on: a training needs neither tokens nor a database. */
const environment = (): NodeJS.ProcessEnv => {
  const { WEFT_CLUSTER: _cluster, WEFT_DATABASE: _database, WEFT_TOKENS: _tokens, ...inherited } = process.env
  return inherited
}

const start = (program: string, args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [program, ...args], {
    env: environment(),
    stdio: ["ignore", "ignore", "pipe"]
  })
  const lines: Array<string> = []
  createInterface({ input: child.stderr }).on("line", (line) => {
    lines.push(line)
    if (lines.length > mostLines) lines.shift()
  })
  try {
    // Requests go first. Some systems do not let a process lower another's priority.
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
  } catch {}
  return { child, lines }
}

const ended = ({ child, lines }: { readonly child: ChildProcess; readonly lines: ReadonlyArray<string> }) =>
  Effect.callback<void, TrainingDied>((resume) => {
    child.once("error", (error) => resume(Effect.fail(new TrainingDied({ detail: error.message }))))
    child.once("close", (code, signal) =>
      resume(
        code === 0
          ? Effect.void
          : Effect.fail(
              new TrainingDied({
                detail: [signal === null ? `exit code ${code}` : `signal ${signal}`, ...lines].join("; ")
              })
            )
      )
    )
  })

/** Asks a process to end; it is killed where it does not. */
const stop = ({ child }: { readonly child: ChildProcess }) =>
  Effect.callback<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return resume(Effect.void)
    const timer = setTimeout(() => child.kill("SIGKILL"), patience)
    child.once("exit", () => {
      clearTimeout(timer)
      resume(Effect.void)
    })
    child.kill("SIGTERM")
  })

/** How many epochs a run has done, by its newest checkpoint: its history is written when it ends. */
const epochsOf = Effect.fnUntraced(
  function* (run: string) {
    const folder = join(run, "checkpoints")
    const [newest] = checkpointsAmong(yield* Effect.tryPromise(() => readdir(folder)))
    if (newest === undefined) return 0
    const { metadata } = yield* fileHeader(join(folder, newest))
    return yield* Checkpoint.epochsOf(metadata)
  },
  // There is none yet, or it has just been replaced by a newer one.
  Effect.orElseSucceed(() => undefined)
)

/**
 * Runs in `runs/` of the desk's folder, each trained by `weft train` at low priority; its inputs are in `retraining/`.
 */
export const layer = ({ folder, images, program }: Options) => {
  const root = resolve(folder)
  const state = join(root, "retraining.json")
  const folderOf = (name: string) => join(root, "runs", name)
  const inputs = join(root, "retraining")
  return Layer.succeed(Trainings, {
    folder: folderOf,
    read: Effect.gen(function* () {
      if (!(yield* isThere(state))) return null
      const text = yield* Effect.tryPromise({ try: () => readFile(state, "utf8"), catch: failed(state) })
      return yield* Effect.mapError(Schema.decodeEffect(StateText)(text), failed(state))
    }),
    write: Effect.fnUntraced(function* (next) {
      const text = yield* Effect.mapError(Schema.encodeEffect(StateText)(next), failed(state))
      yield* Effect.mapError(atomicWrite(state, `${text}\n`), failed(state))
    }),
    prepare: Effect.fnUntraced(function* (
      name: string,
      config: Readonly<Record<string, unknown>>,
      corrections: Stream.Stream<Uint8Array, DeskError>
    ) {
      yield* Effect.tryPromise({ try: () => mkdir(inputs, { recursive: true }), catch: failed(inputs) })
      const csv = join(inputs, `${name}.csv`)
      const chunks = yield* Stream.runCollect(corrections)
      yield* Effect.mapError(atomicWrite(csv, Buffer.concat(chunks)), failed(csv))
      const data = (config["data"] ?? {}) as Readonly<Record<string, unknown>>
      const allow = [...((data["allow"] ?? []) as ReadonlyArray<string>), resolve(images)]
      const own = { ...config, data: { ...data, corrections: csv, allow } }
      const file = join(inputs, `${name}.json`)
      yield* Effect.mapError(atomicWrite(file, `${JSON.stringify(own, null, 2)}\n`), failed(file))
    }),
    train: (name, tell) =>
      Effect.scoped(
        Effect.gen(function* () {
          const run = folderOf(name)
          if (yield* isThere(join(run, "report.json"))) return
          const args = (yield* isThere(join(run, "config.json")))
            ? ["train", "--resume", "--run", run]
            : ["train", "--config", join(inputs, `${name}.json`), "--run", run]
          const one = yield* Effect.acquireRelease(
            Effect.sync(() => start(program, args)),
            stop
          )
          const telling = Effect.flatMap(epochsOf(run), (epochs) => (epochs === undefined ? Effect.void : tell(epochs)))
          const watching = yield* telling.pipe(Effect.repeat(Schedule.spaced("1 second")), Effect.forkScoped)
          yield* ended(one)
          yield* Fiber.interrupt(watching)
          yield* telling
        })
      )
  })
}
