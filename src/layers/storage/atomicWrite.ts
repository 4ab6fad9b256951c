/**
 * Files that are whole or absent after any crash. write-file-atomic 8.0.0 was looked at: it does not flush the folder,
 * so that a power cut can undo the renaming; it does not check how many bytes a single write took, which Linux limits
 * to 2 GiB; and it has no temporary names for folders (an export), and does not remove a killed process's files.
 */
import { Effect, Schema } from "effect"
import { open, readdir, rename, rm } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { isAlive } from "./isAlive.ts"
import { systemFault } from "./systemFault.ts"

/** A file could not be read or written: which one, why, and what to do. */
export class FileError extends Schema.TaggedError<FileError>()("FileError", {
  path: Schema.String,
  reason: Schema.Literals(["diskFull", "notPermitted", "missing", "failed"]),
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/** An error of node:fs or of Effect's FileSystem, with what to do about it. */
export const fileError = (path: string, cause: unknown): FileError => {
  const { detail, reason } = systemFault(cause)
  return new FileError({ path, reason: reason === "notAFolder" ? "failed" : reason, detail })
}

const attempt = <A>(path: string, action: () => Promise<A>) =>
  Effect.tryPromise({ try: action, catch: (cause) => fileError(path, cause) })

/** Writes and flushes a file. It may replace one of a killed process with the same number. */
export const writeFlushed = async (path: string, content: Uint8Array | string) => {
  const handle = await open(path, "w")
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Adds to the end of a file and flushes it; who has the file open sees what is added. Not interruptible. */
export const appendFlushed = (path: string, content: Uint8Array) =>
  Effect.uninterruptible(
    attempt(path, async () => {
      const handle = await open(path, "a")
      try {
        await handle.writeFile(content)
        await handle.sync()
      } finally {
        await handle.close()
      }
    })
  )

/** Flushes a folder, so that a renaming in it survives a power cut. Windows cannot flush folders. */
export const flushFolder = async (path: string) => {
  if (process.platform === "win32") return
  const handle = await open(path, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Temporary files and folders of this process that are being written. */
const inProgress = new Set<string>()
let written = 0

const temporaryName = (path: string) => join(dirname(path), `.${basename(path)}.${process.pid}.${written++}.tmp`)

/** A free name beside `path` for a file or folder that is renamed later; reserved while the Scope is open. */
export const temporaryBeside = (path: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const temporary = temporaryName(path)
      inProgress.add(temporary)
      return temporary
    }),
    (temporary) => Effect.sync(() => inProgress.delete(temporary))
  )

/**
 * Writes a file so that it is, at any moment and whatever happens, the old one or the new one.
 *
 * A new file in the same folder is written, flushed and renamed. Not interruptible; fails with a FileError.
 */
export const atomicWrite = Effect.fn("atomicWrite")(function* (path: string, content: Uint8Array | string) {
  const folder = dirname(path)
  const temporary = temporaryName(path)
  inProgress.add(temporary)
  yield* attempt(path, () => writeFlushed(temporary, content)).pipe(
    Effect.andThen(attempt(path, () => rename(temporary, path))),
    Effect.tapError(() => Effect.ignore(attempt(temporary, () => rm(temporary, { force: true })))),
    Effect.ensuring(Effect.sync(() => inProgress.delete(temporary)))
  )
  yield* attempt(folder, () => flushFolder(folder))
}, Effect.uninterruptible)

/** Removes the temporary files of killed processes in a folder; those of live ones stay. Gives their number. */
export const removeLeftovers = Effect.fn("removeLeftovers")(function* (folder: string) {
  const names = yield* attempt(folder, () => readdir(folder))
  const leftovers = names.filter((name) => {
    const pid = Number(/^\..+\.(\d+)\.\d+\.tmp$/.exec(name)?.[1] ?? Number.NaN)
    if (Number.isNaN(pid) || inProgress.has(join(folder, name))) return false
    // An earlier process may have had this process's number.
    return pid === process.pid || !isAlive(pid)
  })
  yield* Effect.forEach(leftovers, (name) =>
    attempt(join(folder, name), () => rm(join(folder, name), { force: true, recursive: true }))
  )
  return leftovers.length
})
