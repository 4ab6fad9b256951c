import { Clock, Effect, Schedule } from "effect"
import { randomUUID } from "node:crypto"
import { link, readFile, rm, stat, utimes, writeFile } from "node:fs/promises"
import { hostname } from "node:os"
import { report } from "../Progress.ts"
import { fileError } from "./atomicWrite.ts"
import { isAlive } from "./isAlive.ts"

/** Locks that this process holds, by their marks: another process may have had our number before us. */
const held = new Set<string>()

/** A holder says so often that it lives; one that has not for so long is taken for dead, as is one of another machine. */
const sign = { every: "5 seconds", longest: 60_000 } as const

const attempt = <A>(path: string, action: () => Promise<A>) =>
  Effect.tryPromise({ try: action, catch: (cause) => fileError(path, cause) })

/** Makes the lock's file with its mark, which is there whole or not at all; whether it was ours to make. */
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

/** The mark of whoever holds the lock, and since when it has not signed; nothing where nobody holds it. */
const holderOf = (path: string) =>
  attempt(path, () =>
    Promise.all([readFile(path, "utf8"), stat(path)]).then(
      ([mark, { mtimeMs }]) => ({ mark, mtimeMs }),
      () => undefined
    )
  )

const isDead = (mark: string, silence: number): boolean => {
  const [pid, host] = mark.split(" ")
  if (silence > sign.longest) return true
  if (host !== hostname()) return false
  return Number(pid) === process.pid ? !held.has(mark) : !isAlive(Number(pid))
}

/** What to do where somebody else holds the lock: wait, and what to say; or fail. */
type WhenHeld<E> = (holder: string) => Effect.Effect<void, E>

const waiting: WhenHeld<never> = (holder) =>
  report({ _tag: "Note", line: `waiting for process ${holder}, which is fetching the same` })

/** Takes the lock, or takes it over from a dead one; waits otherwise, and only then can be stopped. Gives its mark. */
const take = <E = never>(
  path: string,
  whenHeld: WhenHeld<E>
): Effect.Effect<string, ReturnType<typeof fileError> | E> =>
  Effect.gen(function* () {
    const mark = `${process.pid} ${hostname()} ${randomUUID()}`
    held.add(mark)
    let told = false
    while (!(yield* Effect.onError(create(path, mark), () => Effect.sync(() => held.delete(mark))))) {
      const holder = yield* holderOf(path)
      if (holder === undefined) continue
      const now = yield* Clock.currentTimeMillis
      if (isDead(holder.mark, now - holder.mtimeMs)) yield* removeDead(path, holder.mark)
      else {
        if (!told)
          yield* Effect.onError(whenHeld(holder.mark.split(" ", 2).join(" on ")), () =>
            Effect.sync(() => held.delete(mark))
          )
        told = true
        yield* Effect.interruptible(Effect.sleep("50 millis"))
      }
    }
    return mark
  })

/** Only one may remove a dead one's lock, and only that one, not its successor's: a lock of its own sees to it. */
const removeDead = Effect.fnUntraced(function* (path: string, mark: string) {
  const guard = `${path}.${mark.split(" ").at(-1)}`
  yield* Effect.acquireUseRelease(
    take(guard, waiting),
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

/**
 * Does its work while nobody else on this machine, or on one that shares the disk, does work under the same lock.
 *
 * The lock is a file with the holder's process, machine and a mark of its own. A process that dies leaves it behind;
 * it is then taken over. Fails with a FileError where no such file can be made. `whenHeld` is told once who holds it
 * ("123 on host"), before it waits; where it fails, nobody waits.
 */
export const withLock = <A, E, R, E2 = never>(
  path: string,
  work: Effect.Effect<A, E, R>,
  whenHeld: WhenHeld<E2> = waiting
) =>
  Effect.acquireUseRelease(
    take(path, whenHeld),
    () =>
      Effect.gen(function* () {
        const living = Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.ignore(attempt(path, () => utimes(path, now / 1000, now / 1000)))
        )
        yield* Effect.forkScoped(Effect.repeat(living, Schedule.spaced(sign.every)))
        return yield* work
      }).pipe(Effect.scoped),
    (mark) => give(path, mark)
  )
