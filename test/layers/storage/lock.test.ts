import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { isSuspended, startedAt } from "../../../src/layers/storage/isAlive.ts"
import { holdLock, withLock } from "../../../src/layers/storage/lock.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

/** Five pieces of work under one lock, longer than it takes to look for it again; the most that were done at once, and how many were done. */
const crowd = (path: string) =>
  Effect.gen(function* () {
    let [now, most, done] = [0, 0, 0]
    const work = Effect.gen(function* () {
      most = Math.max(most, ++now)
      yield* Effect.sleep("70 millis")
      now--
      done++
    })
    yield* Effect.all(
      Array.from({ length: 5 }, () => withLock(path, work)),
      { concurrency: "unbounded" }
    )
    return { most, done }
  })

/** The number of a process that was there and is no more. */
const deadProcess = () => spawnSync(process.execPath, ["--version"]).pid

it.live("work under one lock is done one at a time, and nothing is left of the lock", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    assert.deepStrictEqual(yield* crowd(join(folder, "a.lock")), { most: 1, done: 5 })
    assert.deepStrictEqual(readdirSync(folder), [])
  })
)

it.live("a dead process's lock is taken over by one at a time", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const path = join(folder, "a.lock")
    const marks = [
      `${deadProcess()} ${hostname()} one`,
      // A process that had our number before us.
      `${process.pid} ${hostname()} two`
    ]
    for (const mark of marks) {
      writeFileSync(path, mark)
      assert.deepStrictEqual(yield* crowd(path), { most: 1, done: 5 })
      // Whoever was to remove it died at that: his guard is taken over too.
      writeFileSync(path, mark)
      writeFileSync(`${path}.${mark.split(" ")[2]}`, `${deadProcess()} ${hostname()} guard`)
      assert.deepStrictEqual(yield* crowd(path), { most: 1, done: 5 })
      assert.deepStrictEqual(readdirSync(folder), [])
    }
  })
)

it.live("another machine's lock is waited for, until it has not signed for a minute", () =>
  Effect.gen(function* () {
    const path = join(yield* temporaryFolder, "a.lock")
    writeFileSync(path, `${deadProcess()} elsewhere mark`)
    const notes: Array<string> = []
    const waits = yield* Deferred.make<void>()
    const fiber = yield* withLock(path, Effect.succeed("done")).pipe(
      Effect.provideService(Progress, (event) => {
        notes.push(event._tag === "Note" ? event.line : event._tag)
        return Deferred.succeed(waits, undefined)
      }),
      Effect.forkChild
    )
    yield* Deferred.await(waits)
    assert.isTrue(existsSync(path))
    const long = Date.parse("2020-01-01T00:00:00Z") / 1000
    utimesSync(path, long, long)
    assert.strictEqual(yield* Fiber.join(fiber), "done")
    assert.strictEqual(notes.length, 1)
    assert.match(notes[0] ?? "", /^waiting for process \d+ on elsewhere/)
  })
)

it.live("a lock is given back by work that fails, and by work that is stopped; who waits can be stopped", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const path = join(folder, "a.lock")
    assert.strictEqual(yield* Effect.flip(withLock(path, Effect.fail("no"))), "no")
    const begun = yield* Deferred.make<void>()
    const holder = yield* Effect.forkChild(
      withLock(path, Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
    )
    yield* Deferred.await(begun)
    const waiter = yield* Effect.forkChild(withLock(path, Effect.void))
    yield* Effect.yieldNow
    yield* Fiber.interrupt(waiter)
    assert.isTrue(existsSync(path))
    yield* Fiber.interrupt(holder)
    assert.isTrue(Exit.isFailure(yield* Fiber.await(holder)))
    assert.deepStrictEqual(readdirSync(folder), [])
  })
)

it.live("a caller that does not wait gets the lock's holder, and fails", () =>
  Effect.gen(function* () {
    const path = join(yield* temporaryFolder, "a.lock")
    const refused = withLock(path, Effect.fail("worked"), (holder) => Effect.fail(`held by ${holder}`))
    const holder = `held by ${process.pid} on ${hostname()}`
    assert.strictEqual(yield* withLock(path, Effect.flip(refused)), holder)
    assert.strictEqual(yield* Effect.flip(refused), "worked")
    assert.isFalse(existsSync(path))
  })
)

/** The mark of a process that lives and is not this one. */
const livingMark = (started = startedAt(process.ppid)) => `${process.ppid} ${hostname()} mark ${started}`

const longAgo = (path: string) => {
  const long = Date.parse("2020-01-01T00:00:00Z") / 1000
  utimesSync(path, long, long)
}

it.live("the lock of a process whose number another one has now is taken over", () =>
  Effect.gen(function* () {
    const path = join(yield* temporaryFolder, "a.lock")
    writeFileSync(path, livingMark("another-start"))
    assert.strictEqual(yield* withLock(path, Effect.succeed("done")), "done")
  })
)

it.live("a process of this machine that lives keeps its lock, however long it is silent, where that is asked for", () =>
  Effect.gen(function* () {
    const path = join(yield* temporaryFolder, "a.lock")
    writeFileSync(path, livingMark())
    longAgo(path)
    const refused = holdLock(path, { silent: "keep", whenHeld: (holder) => Effect.fail(`held by ${holder}`) })
    assert.strictEqual(yield* Effect.scoped(Effect.flip(refused)), `held by ${process.ppid} on ${hostname()}`)
    assert.strictEqual(yield* withLock(path, Effect.succeed("taken over")), "taken over")
  })
)

it.live("who lost a lock knows it, signs nothing and does not give back what another one holds", () =>
  Effect.gen(function* () {
    const path = join(yield* temporaryFolder, "a.lock")
    yield* Effect.scoped(
      Effect.gen(function* () {
        const { isHeld } = yield* holdLock(path)
        assert.isTrue(yield* isHeld)
        writeFileSync(path, livingMark())
        assert.isFalse(yield* isHeld)
      })
    )
    assert.isTrue(existsSync(path))
  })
)

it.live("says of a holder that was stopped with Ctrl-Z that it is", () =>
  Effect.gen(function* () {
    const path = join(yield* temporaryFolder, "a.lock")
    const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"])
    yield* Effect.addFinalizer(() => Effect.sync(() => other.kill("SIGKILL")))
    other.kill("SIGSTOP")
    while (!isSuspended(other.pid!)) yield* Effect.sleep("10 millis") // it has a number: it was started
    writeFileSync(path, `${other.pid} ${hostname()} mark ${startedAt(other.pid!)}`)
    const refused = holdLock(path, { silent: "keep", whenHeld: (holder) => Effect.fail(holder) })
    assert.match(String(yield* Effect.flip(refused)), /stopped with Ctrl-Z: bring it back with fg/)
  })
)
