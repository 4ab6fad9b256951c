import { Effect, FileSystem, Layer, Path } from "effect"
import { mkdir, rmdir } from "node:fs/promises"
import { report } from "../../pipeline/Progress.ts"
import { RunFolder, RunFolderError } from "../../run/RunFolder.ts"
import { Runs } from "../../run/Runs.ts"
import { atomicWrite, fileError } from "./atomicWrite.ts"
import * as DiskCheckpoints from "./DiskCheckpoints.ts"
import type { Held } from "./lock.ts"
import { holdLock } from "./lock.ts"
import { systemFault } from "./systemFault.ts"

const unwritable = (path: string, detail: string) => new RunFolderError({ path, reason: "unwritable", detail })

const lostDetail =
  "another process has taken this run over since; this one has changed nothing of it, and ends. " +
  "Wait for the other one's end, or stop it, and go on with --resume"

/** Run folders on disk. */
export const layer = Layer.effect(
  Runs,
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const { dirname, join, resolve } = yield* Path.Path
    /** The locks of this process, by the absolute paths of their folders. */
    const locks = new Map<string, Held>()

    /** Fails where this process had the folder to itself, and has it no longer. */
    const mayWrite = (path: string) =>
      Effect.suspend(() => {
        const lock = locks.get(resolve(path))
        return lock === undefined
          ? Effect.void
          : Effect.flatMap(lock.isHeld, (isHeld) => (isHeld ? Effect.void : Effect.fail(lostDetail)))
      })

    const folderAt = (path: string) =>
      RunFolder.of({
        path,
        has: (file) => Effect.orElseSucceed(fs.exists(join(path, file)), () => false),
        write: (file, content) => {
          const target = join(path, file)
          return mayWrite(path).pipe(
            Effect.mapError((detail) => new RunFolderError({ path, reason: "lost", detail })),
            Effect.andThen(
              Effect.mapError(fs.makeDirectory(dirname(target), { recursive: true }), (error) =>
                unwritable(target, systemFault(error).detail)
              )
            ),
            Effect.andThen(Effect.mapError(atomicWrite(target, content), ({ detail }) => unwritable(target, detail)))
          )
        },
        read: (file) =>
          Effect.mapError(fs.readFile(join(path, file)), (error) =>
            error.reason._tag === "NotFound"
              ? new RunFolderError({
                  path: join(path, file),
                  reason: "missing",
                  detail: "there is no such file; has the run been finished?"
                })
              : new RunFolderError({ path: join(path, file), reason: "unreadable", detail: systemFault(error).detail })
          ),
        remove: (file) =>
          mayWrite(path).pipe(
            Effect.mapError((detail) => new RunFolderError({ path, reason: "lost", detail })),
            Effect.andThen(
              Effect.mapError(fs.remove(join(path, file), { force: true }), (error) =>
                unwritable(join(path, file), systemFault(error).detail)
              )
            )
          )
      })

    /** Fails where the path, or one above it, is a file. */
    const checkFolder = (path: string): Effect.Effect<void, RunFolderError> =>
      Effect.gen(function* () {
        const found = yield* Effect.option(fs.stat(path))
        if (found._tag === "Some" && found.value.type !== "Directory")
          return yield* new RunFolderError({ path, reason: "notFolder", detail: "this is a file; name a folder" })
        if (found._tag === "None" && dirname(path) !== path) yield* checkFolder(dirname(path))
      })

    /** Makes a folder; it and those above it that were made with it, the innermost first. */
    const makeFolder = (path: string) =>
      Effect.tryPromise({
        try: () => mkdir(path, { recursive: true }),
        catch: (cause) => unwritable(path, `the folder cannot be made: ${fileError(path, cause).detail}`)
      }).pipe(
        Effect.map((first) => {
          const made: Array<string> = []
          if (first !== undefined)
            for (let folder = resolve(path); ; folder = dirname(folder)) {
              made.push(folder)
              if (folder === resolve(first) || dirname(folder) === folder) break
            }
          return made
        })
      )

    /** Of folders, those that are empty go; the first that is not ends it. */
    const removeEmpty = (folders: ReadonlyArray<string>) =>
      Effect.ignore(Effect.forEach(folders, (folder) => Effect.tryPromise(() => rmdir(folder)), { discard: true }))

    return {
      hold: Effect.fn("Runs.hold")(function* (path, whenBusy) {
        yield* checkFolder(path)
        yield* Effect.acquireRelease(makeFolder(path), removeEmpty)
        const isSearch = yield* Effect.orElseSucceed(fs.exists(join(path, "search.json")), () => false)
        const work = isSearch ? "search" : "run"
        const lock = yield* holdLock(join(path, "run.lock"), {
          whenHeld: (holder) =>
            whenBusy === "wait"
              ? report({ _tag: "Note", line: `waiting for process ${holder}, which is at work on the ${work} ${path}` })
              : Effect.fail(
                  new RunFolderError({
                    path,
                    reason: "busy",
                    detail: `process ${holder} is at work on this ${work}; wait for its end, or stop it first`
                  })
                ),
          // A stopped process of this machine still has the run: only a trial, for which others wait, goes to another.
          silent: whenBusy === "wait" ? "takeOver" : "keep"
        }).pipe(Effect.catchTag("FileError", (error) => Effect.fail(unwritable(path, error.detail))))
        yield* Effect.acquireRelease(
          Effect.sync(() => locks.set(resolve(path), lock)),
          () => Effect.sync(() => locks.delete(resolve(path)))
        )
      }),
      open: (path, keep) =>
        Effect.as(checkFolder(path), {
          folder: folderAt(path),
          checkpoints: DiskCheckpoints.make(join(path, "checkpoints"), keep, mayWrite(path))
        }),
      existing: Effect.fnUntraced(function* (path) {
        yield* checkFolder(path)
        if (!(yield* Effect.orElseSucceed(fs.exists(path), () => false)))
          return yield* new RunFolderError({ path, reason: "missing", detail: "there is no such folder" })
        return folderAt(path)
      })
    }
  })
)
