import { Effect, Layer } from "effect"
import { mkdir, readdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import * as CheckpointRules from "../../model/Checkpoints.ts"
import { CheckpointError, Checkpoints } from "../../model/Checkpoints.ts"
import { atomicWrite, fileError, removeLeftovers } from "./atomicWrite.ts"
import type { FileError } from "./atomicWrite.ts"

const failure = ({ detail, path, reason }: FileError) =>
  new CheckpointError({
    path,
    reason: reason === "missing" ? "failed" : reason,
    detail: `${detail} (the checkpoints that were there are as they were)`
  })

/**
 * Checkpoints as files in a folder, of which the last `keep` stay: `step-00001234.safetensors`, `best.safetensors`.
 *
 * The folder is made with the first file; a killed process's unfinished files are then removed. Where `mayWrite`
 * fails, with what is wrong, no file is written or removed.
 */
export const make = (
  folder: string,
  keep: number,
  mayWrite: Effect.Effect<void, string> = Effect.void
): Checkpoints["Service"] => {
  const permitted = Effect.mapError(
    mayWrite,
    (detail) => new CheckpointError({ path: folder, reason: "failed", detail })
  )
  const attempt = <A>(path: string, action: () => Promise<A>) =>
    Effect.tryPromise({ try: action, catch: (cause) => fileError(path, cause) })
  let isReady = false
  const prepare = Effect.gen(function* () {
    yield* attempt(folder, () => mkdir(folder, { recursive: true }))
    if (!isReady)
      yield* removeLeftovers(folder).pipe(
        Effect.catch((error) => Effect.logWarning(`leftovers could not be removed: ${error.message}`))
      )
    isReady = true
  })
  return CheckpointRules.make(
    {
      list: attempt(folder, () => readdir(folder)).pipe(
        Effect.catchIf(
          ({ reason }) => reason === "missing",
          () => Effect.succeed([])
        ),
        Effect.mapError(failure)
      ),
      read: (name) =>
        attempt(join(folder, name), (): Promise<Uint8Array | undefined> => readFile(join(folder, name))).pipe(
          Effect.catchIf(
            ({ reason }) => reason === "missing",
            () => Effect.undefined
          ),
          Effect.mapError(failure)
        ),
      write: (name, bytes) =>
        permitted.pipe(
          Effect.andThen(prepare.pipe(Effect.andThen(atomicWrite(join(folder, name), bytes)), Effect.mapError(failure)))
        ),
      remove: (name) =>
        permitted.pipe(
          Effect.andThen(
            Effect.mapError(
              attempt(join(folder, name), () => rm(join(folder, name), { force: true })),
              failure
            )
          )
        )
    },
    keep
  )
}

/** Checkpoints in a folder; see `make`. */
export const layer = (folder: string, keep: number) => Layer.sync(Checkpoints, () => make(folder, keep))
