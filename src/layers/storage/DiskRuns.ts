import { Effect, FileSystem, Layer, Path } from "effect"
import { mkdir, rmdir } from "node:fs/promises"
import { report } from "../../pipeline/Progress.ts"
import type { RunFile } from "../../run/RunFolder.ts"
import { RunFolder, RunFolderError } from "../../run/RunFolder.ts"
import { Runs } from "../../run/Runs.ts"
import type { FileError } from "./atomicWrite.ts"
import { appendFlushed, atomicWrite, fileError } from "./atomicWrite.ts"
import * as DiskCheckpoints from "./DiskCheckpoints.ts"
import type { Held } from "./lock.ts"
import { holdLock } from "./lock.ts"
import { sharedWrite } from "./sharedWrite.ts"
import { systemFault } from "./systemFault.ts"

const unwritable = (path: string, detail: string) => new RunFolderError({ path, reason: "unwritable", detail })

const lostDetail =
  "another process has taken this run over; this process has changed nothing since then, and ends. " +
  "Wait until the other process ends, or stop it, and go on with --resume"

/** Run folders on disk. */
export const layer = Layer.effect(
  Runs,
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const { dirname, join, resolve } = yield* Path.Path
    /** The locks of this process, by the absolute paths of their folders. */
    const locks = new Map<string, Held>()

    /** Fails where this process has lost its lock on the folder. */
    const mayWrite = (path: string) =>
      Effect.suspend(() => {
        const lock = locks.get(resolve(path))
        return lock === undefined
          ? Effect.void
          : Effect.flatMap(lock.isHeld, (isHeld) => (isHeld ? Effect.void : Effect.fail(lostDetail)))
      })

    const folderAt = (path: string) => {
      const changed = (file: RunFile, change: (target: string) => Effect.Effect<void, FileError>) => {
        const target = join(path, file)
        return mayWrite(path).pipe(
          Effect.mapError((detail) => new RunFolderError({ path, reason: "lost", detail })),
          Effect.andThen(
            Effect.mapError(fs.makeDirectory(dirname(target), { recursive: true }), (error) =>
              unwritable(target, systemFault(error).detail)
            )
          ),
          Effect.andThen(Effect.mapError(change(target), ({ detail }) => unwritable(target, detail)))
        )
      }
      return RunFolder.of({
        path,
        has: (file) => Effect.orElseSucceed(fs.exists(join(path, file)), () => false),
        write: (file, content) => changed(file, (target) => atomicWrite(target, content)),
        share: (file, content, digest) => changed(file, (target) => sharedWrite(target, content, digest)),
        append: (file, content) => changed(file, (target) => appendFlushed(target, content)),
        read: (file) =>
          Effect.mapError(fs.readFile(join(path, file)), (error) =>
            error.reason._tag === "NotFound"
              ? new RunFolderError({
                  path: join(path, file),
                  reason: "missing",
                  detail: "there is no such file; is the run finished?"
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
    }

    /** Fails where the path, or a parent of it, is a file. */
    const checkFolder = (path: string): Effect.Effect<void, RunFolderError> =>
      Effect.gen(function* () {
        const found = yield* Effect.option(fs.stat(path))
        if (found._tag === "Some" && found.value.type !== "Directory")
          return yield* new RunFolderError({ path, reason: "notFolder", detail: "this is a file; name a folder" })
        if (found._tag === "None" && dirname(path) !== path) yield* checkFolder(dirname(path))
      })

    /** Makes a folder and its missing parents; returns those that were made, the innermost first. */
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

    /** Removes empty folders, in their order, up to the first that is not empty. */
    const removeEmpty = (folders: ReadonlyArray<string>) =>
      Effect.ignore(Effect.forEach(folders, (folder) => Effect.tryPromise(() => rmdir(folder)), { discard: true }))

    return {
      hold: Effect.fn("Runs.hold")(function* (path, whenBusy) {
        yield* checkFolder(path)
        yield* Effect.acquireRelease(makeFolder(path), removeEmpty)
        const has = (file: RunFile) => Effect.orElseSucceed(fs.exists(join(path, file)), () => false)
        const work = (yield* has("search.json")) ? "search" : (yield* has("prediction.json")) ? "prediction" : "run"
        const lock = yield* holdLock(join(path, "run.lock"), {
          whenHeld: (holder) =>
            whenBusy === "wait"
              ? report({ _tag: "Note", line: `waiting for process ${holder}, which works on the ${work} ${path}` })
              : Effect.fail(
                  new RunFolderError({
                    path,
                    reason: "busy",
                    detail: `process ${holder} works on this ${work}; wait until it ends, or stop it first`
                  })
                ),
          // A stopped process of this machine keeps its run. Only a trial, for which others wait, is taken over.
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
