/**
 * Locks between processes and machines. proper-lockfile 4.1.2 was looked at: it knows a dead holder by the age of its
 * folder alone, so that a killed run blocks the next one and a process stopped with Ctrl-Z loses its lock; it cannot tell
 * who holds a lock; and of two processes that find a stale one, the second may remove the first one's new lock.
 */
import { Clock, Effect, Schedule } from "effect"
import { randomUUID } from "node:crypto"
import { link, readFile, rm, stat, utimes, writeFile } from "node:fs/promises"
import { hostname } from "node:os"
import { report } from "../../pipeline/Progress.ts"
import { fileError } from "./atomicWrite.ts"
import { isAlive, isSuspended, startedAt } from "./isAlive.ts"

/** The marks of the locks that this process holds: a lock with this process's number may be an earlier process's. */
const held = new Set<string>()

/** How often a holder renews its lock; after the longest silence it counts as dead, on whichever machine. */
const sign = { every: "5 seconds", longest: 60_000 } as const

const attempt = <A>(path: string, action: () => Promise<A>) =>
  Effect.tryPromise({ try: action, catch: (cause) => fileError(path, cause) })

/** Makes the lock's file, which appears with its whole mark. Gives false where there is one already. */
const create = (path: string, mark: string) =>
  attempt(path, async () => {
    const own = `${path}.${randomUUID()}`
    await writeFile(own, mark, { flag: "wx" })
    try {
      await link(own, path)
      return true
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return false
      throw cause
    } finally {
      await rm(own, { force: true })
    }
  })

/** The holder's mark, and when it last renewed the lock; undefined where nobody holds it. */
const holderOf = (path: string) =>
  attempt(path, () =>
    Promise.all([readFile(path, "utf8"), stat(path)]).then(
      ([mark, { mtimeMs }]) => ({ mark, mtimeMs }),
      () => undefined
    )
  )

/**
 * The parts of a mark. `started` distinguishes two processes of the same number, on systems that report when they
 * started.
 */
const readMark = (mark: string) => {
  const [pid = "", host = "", id = "", started] = mark.split(" ")
  return { pid: Number(pid), host, id, started }
}

const ownMark = () => {
  const started = startedAt(process.pid)
  return `${process.pid} ${hostname()} ${randomUUID()}${started === undefined ? "" : ` ${started}`}`
}

/** What to do where a holder on this machine is alive, but has been silent for long: Ctrl-Z may have stopped it. */
type Silent = "takeOver" | "keep"

const isDead = (mark: string, silence: number, silent: Silent): boolean => {
  const { host, pid, started } = readMark(mark)
  if (host === hostname()) {
    if (pid === process.pid) return !held.has(mark)
    if (!isAlive(pid)) return true
    const now = startedAt(pid)
    // Its number belongs to another process now.
    if (started !== undefined && now !== undefined && started !== now) return true
    if (started !== undefined && silent === "keep") return false
  }
  return silence > sign.longest
}

/** "123 on host", and whether it is stopped. */
const holderText = (mark: string): string => {
  const { host, pid } = readMark(mark)
  const suspended = host === hostname() && isSuspended(pid)
  return `${pid} on ${host}${suspended ? " (stopped with Ctrl-Z: bring it back with fg, or end it with kill -9)" : ""}`
}

/** Called once where another process holds the lock; where it fails, taking the lock fails. */
type WhenHeld<E> = (holder: string) => Effect.Effect<void, E>

const waiting: WhenHeld<never> = (holder) =>
  report({ _tag: "Note", line: `waiting for process ${holder}, which is fetching the same` })

/** Takes the lock, also from a dead holder, or waits for it; only the wait is interruptible. Returns its mark. */
const take = <E = never>(
  path: string,
  whenHeld: WhenHeld<E>,
  silent: Silent
): Effect.Effect<string, ReturnType<typeof fileError> | E> =>
  Effect.gen(function* () {
    const mark = ownMark()
    held.add(mark)
    let isReported = false
    while (!(yield* Effect.onError(create(path, mark), () => Effect.sync(() => held.delete(mark))))) {
      const holder = yield* holderOf(path)
      if (holder === undefined) continue
      const now = yield* Clock.currentTimeMillis
      if (isDead(holder.mark, now - holder.mtimeMs, silent)) yield* removeDead(path, holder.mark)
      else {
        if (!isReported)
          yield* Effect.onError(whenHeld(holderText(holder.mark)), () => Effect.sync(() => held.delete(mark)))
        isReported = true
        yield* Effect.interruptible(Effect.sleep("50 millis"))
      }
    }
    return mark
  })

/** Removes a dead holder's lock under a lock of its own, so that nobody removes the lock of the next holder. */
const removeDead = Effect.fnUntraced(function* (path: string, mark: string) {
  const guard = `${path}.${readMark(mark).id}`
  yield* Effect.acquireUseRelease(
    take(guard, waiting, "takeOver"),
    () =>
      Effect.gen(function* () {
        if ((yield* holderOf(path))?.mark === mark) yield* attempt(path, () => rm(path, { force: true }))
      }),
    (own) => give(guard, own)
  )
})

const give = Effect.fnUntraced(function* (path: string, mark: string) {
  const holder = yield* Effect.option(holderOf(path))
  if (holder._tag === "Some" && holder.value?.mark === mark)
    yield* Effect.ignore(attempt(path, () => rm(path, { force: true })))
  held.delete(mark)
})

/** A lock that is held. */
export interface Held {
  /** Whether it is still held: another process may take over a lock that was not renewed for long. */
  readonly isHeld: Effect.Effect<boolean>
}

/** How a lock is taken; see `holdLock`. */
export interface LockOptions<E> {
  readonly whenHeld?: WhenHeld<E>
  /** `takeOver` where left out: a live holder that has not renewed the lock for a minute loses it. */
  readonly silent?: Silent
}

/**
 * Takes a lock, and holds it until the Scope closes: no other process on this machine, or on one that shares the disk,
 * has it.
 *
 * The lock is a file with the holder's process, machine and a mark of its own. A dead process leaves its file; the next
 * process takes the lock over. Fails with a FileError where the file cannot be made. `whenHeld` is called once with the
 * holder ("123 on host") before the wait; where it fails, this fails.
 */
export const holdLock = Effect.fn("holdLock")(function* <E = never>(path: string, options: LockOptions<E> = {}) {
  const { silent = "takeOver", whenHeld = waiting } = options
  const mark = yield* Effect.acquireRelease(take<E>(path, whenHeld, silent), (mark) => give(path, mark))
  const isHeld = Effect.map(
    Effect.orElseSucceed(holderOf(path), () => undefined),
    (holder) => holder?.mark === mark
  )
  const living = Effect.gen(function* () {
    // A process that has taken it over renews it itself.
    if (!(yield* isHeld)) return
    const now = yield* Clock.currentTimeMillis
    yield* Effect.ignore(attempt(path, () => utimes(path, now / 1000, now / 1000)))
  })
  yield* Effect.forkScoped(Effect.repeat(living, Schedule.spaced(sign.every)))
  return { isHeld } satisfies Held
})

/** Does its work under a lock; see `holdLock`. */
export const withLock = <A, E, R, E2 = never>(
  path: string,
  work: Effect.Effect<A, E, R>,
  whenHeld: WhenHeld<E2> = waiting
) => Effect.scoped(Effect.andThen(holdLock<E2>(path, { whenHeld }), work))
