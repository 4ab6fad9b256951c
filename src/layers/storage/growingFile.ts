import { Effect } from "effect"
import { open, rename, rm } from "node:fs/promises"
import { dirname } from "node:path"
import { fileError, flushFolder, temporaryBeside } from "./atomicWrite.ts"

/**
 * A file that is written part by part under a name of its own, so that its contents are never in memory as a whole. It
 * takes the place of `path` when it is finished; until then a file of that name stays as it is. One that is not finished
 * when its Scope closes is removed.
 */
export const growingFile = Effect.fn("growingFile")(function* (path: string) {
  const attempt = <A>(action: () => Promise<A>) =>
    Effect.uninterruptible(Effect.tryPromise({ try: action, catch: (cause) => fileError(path, cause) }))
  const temporary = yield* temporaryBeside(path)
  const handle = yield* Effect.acquireRelease(
    attempt(() => open(temporary, "w")),
    (handle) =>
      Effect.ignore(
        attempt(async () => {
          await handle.close()
          await rm(temporary, { force: true })
        })
      )
  )
  return {
    /** Adds to the end. */
    append: (content: Uint8Array | string) => attempt(() => handle.writeFile(content)),
    /** Flushes the file and gives it its name; `head` replaces its first bytes, where these depend on all others. */
    finish: (head: Uint8Array = new Uint8Array(0)) =>
      attempt(async () => {
        let at = 0
        while (at < head.length) at += (await handle.write(head, at, head.length - at, at)).bytesWritten
        await handle.sync()
        await handle.close()
        await rename(temporary, path)
        await flushFolder(dirname(path))
      })
  }
})
