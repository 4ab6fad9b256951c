import { Clock, Deferred, Effect, Exit, FileSystem, Path, Schedule, Schema, Scope } from "effect"
import type { SqlError } from "effect/sql"
import { report } from "../../pipeline/Progress.ts"
import { Machine } from "../../run/Machine.ts"

/** Why a worker takes no work of a job. */
export class Unfit extends Schema.TaggedError<Unfit>()("Unfit", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/** An error whose message a person can read. */
interface Readable {
  readonly message: string
}

/** Waits for a piece of a job's work and does it; `taken` is run as soon as there is one. */
export type TakePiece<E, R> = (taken: Effect.Effect<void>) => Effect.Effect<void, E, R>

/** A job that was submitted to the cluster, and is not finished. */
export interface Job<E extends Readable, R> {
  readonly what: "search" | "prediction"
  /** What its work is divided into. */
  readonly pieces: "groups" | "shards"
  readonly key: string
  readonly name: string
  /** The job's folder, as the submitting machine sees it. */
  readonly folder: string
  /** Weft's version: another one may read the job differently. */
  readonly version: string
  /** When it was submitted, in seconds. */
  readonly at: number
  /**
   * Prepares the job on this machine, whose folder is given as this machine sees it, until the Scope closes; fails where
   * the machine lacks something of it.
   */
  readonly prepare: (folder: string) => Effect.Effect<TakePiece<E, R>, Readable, R | Scope.Scope>
}

/** Jobs of two kinds as one list. */
export const together = <E1 extends Readable, R1, E2 extends Readable, R2>(
  some: ReadonlyArray<Job<E1, R1>>,
  others: ReadonlyArray<Job<E2, R2>>
): ReadonlyArray<Job<E1 | E2, R1 | R2>> => [...some, ...others]

const note = (line: string) => report({ _tag: "Note", line })

/** How long a worker waits for work of a job before it looks for other jobs. */
const patience = "1500 millis"

/** How soon a job that this machine lacked something for is looked at again. */
const again = 60_000

/** The file in a job's folder that has the job's key. */
export const keyFile = "cluster-key"

/** The job's folder as this machine sees it; fails where it is missing, or belongs to another job. */
const folderOf = Effect.fnUntraced(function* (
  { folder: submitted, key, what }: Pick<Job<never, never>, "folder" | "key" | "what">,
  shared: string | undefined
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = shared === undefined ? submitted : path.join(shared, path.basename(submitted))
  const found = yield* Effect.option(fs.readFileString(path.join(folder, keyFile)))
  if (found._tag === "Some" && found.value.trim() === key) return folder
  return yield* new Unfit({
    detail:
      found._tag === "Some"
        ? `the folder ${folder} is another ${what}'s`
        : `its folder is not at ${folder}: name the shared folder of this machine with --folder, or share it`
  })
})

/** Whether this machine has what a job needs: its folder, what `prepare` looks for, and the same Weft. */
const fitFor = Effect.fn("Worker.fitFor")(function* <E extends Readable, R>(
  job: Job<E, R>,
  shared: string | undefined
) {
  const machine = yield* Machine
  const version = machine.versions["weft"]
  if (version !== job.version)
    return yield* new Unfit({ detail: `it was submitted by Weft ${job.version}, and this is ${version}` })
  return yield* job.prepare(yield* folderOf(job, shared))
})

/**
 * Works for a cluster's jobs, on one piece at a time, the oldest job first, until it is stopped.
 *
 * `folder`: the folder with the jobs' folders; undefined: the paths that they were submitted with.
 */
export const work = Effect.fn("Worker.work")(function* <E extends Readable, R, OpenR>(
  folder: string | undefined,
  /** The jobs that are not finished. */
  jobs: Effect.Effect<ReadonlyArray<Job<E, R>>, SqlError.SqlError | Schema.SchemaError, OpenR>
) {
  const all = yield* Effect.scope
  const fits = new Map<string, { readonly take: TakePiece<E, R>; readonly scope: Scope.Closeable }>()
  const unfit = new Map<string, { readonly detail: string; readonly at: number }>()

  const leave = Effect.fnUntraced(function* (key: string) {
    const fit = fits.get(key)
    fits.delete(key)
    if (fit !== undefined) yield* Scope.close(fit.scope, Exit.void)
  })

  const look = Effect.fnUntraced(function* (job: Job<E, R>) {
    const { key, name, pieces, what } = job
    const now = yield* Clock.currentTimeMillis
    const before = unfit.get(key)
    if (fits.has(key) || (before !== undefined && now - before.at < again)) return
    const scope = yield* Scope.fork(all)
    const found = yield* Effect.result(Scope.provide(fitFor(job, folder), scope))
    if (found._tag === "Success") {
      fits.set(key, { take: found.success, scope })
      return yield* note(`${what} ${name}: this machine has what it needs, and takes ${pieces} of it`)
    }
    yield* Scope.close(scope, Exit.void)
    const detail = found.failure.message
    unfit.set(key, { detail, at: now })
    if (detail !== before?.detail)
      yield* note(`${what} ${name}: this machine takes no ${pieces} of it: ${detail}. It is tried again every minute`)
  })

  /** Whether there was a piece of work. */
  const takeOne = Effect.fnUntraced(function* ({ key, name, pieces, what }: Job<E, R>, take: TakePiece<E, R>) {
    const taken = yield* Deferred.make<void>()
    const working = take(Effect.asVoid(Deferred.succeed(taken, undefined)))
    const idle = Effect.flatMap(Effect.delay(Deferred.isDone(taken), patience), (isTaken) =>
      isTaken ? Effect.never : Effect.void
    )
    yield* Effect.raceFirst(working, idle).pipe(
      Effect.catch((error) =>
        Effect.gen(function* () {
          // The error may be this machine's alone: other workers can take the work.
          yield* leave(key)
          unfit.set(key, { detail: error.message, at: yield* Clock.currentTimeMillis })
          yield* note(`${what} ${name}: ${error.message}. The ${pieces.replace(/s$/, "")} is left to others`)
        })
      )
    )
    return yield* Deferred.isDone(taken)
  })

  /** Waits up to a minute for a PostgreSQL that is restarting. */
  const open = Effect.retry(jobs, { times: 30, schedule: Schedule.spaced("2 seconds") })

  yield* note("waiting for work")
  while (true) {
    let worked = false
    const now = (yield* open).toSorted((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1))
    const keys = new Set(now.map(({ key }) => key))
    for (const key of fits.keys()) if (!keys.has(key)) yield* leave(key)
    for (const job of now) {
      yield* look(job)
      const fit = fits.get(job.key)
      if (fit !== undefined && !worked) worked = yield* takeOne(job, fit.take)
    }
    if (!worked) yield* Effect.sleep("500 millis")
  }
})
