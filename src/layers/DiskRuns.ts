import { Effect, FileSystem, Layer, Path } from "effect"
import { RunFolder, RunFolderError } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { atomicWrite } from "./atomicWrite.ts"
import * as DiskCheckpoints from "./DiskCheckpoints.ts"
import { systemFault } from "./storage/systemFault.ts"

/** Run folders on disk. */
export const layer = Layer.effect(
  Runs,
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const { dirname, join } = yield* Path.Path

    const folderAt = (path: string) =>
      RunFolder.of({
        path,
        has: (file) => Effect.orElseSucceed(fs.exists(join(path, file)), () => false),
        write: (file, content) => {
          const target = join(path, file)
          return fs.makeDirectory(dirname(target), { recursive: true }).pipe(
            Effect.mapError((error) => unwritable(target, systemFault(error).detail)),
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
          )
      })

    return {
      open: Effect.fnUntraced(function* (path, keep) {
        yield* fs.makeDirectory(path, { recursive: true }).pipe(
          Effect.mapError((error) => {
            const { detail, reason } = systemFault(error)
            return reason === "notAFolder"
              ? new RunFolderError({ path, reason, detail: isAFile })
              : unwritable(path, `the folder cannot be made: ${detail}`)
          })
        )
        return { folder: folderAt(path), checkpoints: DiskCheckpoints.make(join(path, "checkpoints"), keep) }
      }),
      existing: Effect.fnUntraced(function* (path) {
        if (!(yield* Effect.orElseSucceed(fs.exists(path), () => false)))
          return yield* new RunFolderError({ path, reason: "missing", detail: "there is no such folder" })
        const isFile = Effect.map(fs.stat(path), ({ type }) => type === "File")
        if (yield* Effect.orElseSucceed(isFile, () => false))
          return yield* new RunFolderError({ path, reason: "notAFolder", detail: isAFile })
        return folderAt(path)
      })
    }
  })
)

const isAFile = "this is a file, or lies in one; name a folder with --run DIR"

const unwritable = (path: string, detail: string) => new RunFolderError({ path, reason: "unwritable", detail })
