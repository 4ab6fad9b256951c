import { Effect } from "effect"
import { link, mkdir, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { atomicWrite, flushFolder } from "./atomicWrite.ts"
import { cacheFolder } from "./cacheFolder.ts"

/** Whether a file of this length is there: it was written whole, under the name of its content. */
const isThere = (path: string, length: number) =>
  Effect.promise(() =>
    stat(path).then(
      (found) => found.isFile() && found.size === length,
      () => false
    )
  )

/**
 * A second name of a file in the place of whatever is there; fails where the disk has no such names, or is another one.
 */
const linked = (path: string, target: string) =>
  Effect.tryPromise(async () => {
    const beside = `${target}.link`
    await rm(beside, { force: true })
    await link(path, beside)
    await rename(beside, target)
    await flushFolder(dirname(target))
  })

/**
 * Writes a file whose content others have too: once for all of them into the cache, to which each file is a hard link.
 * A file stays when the cache or another file is removed. Where no link can be made, it is a file of its own.
 */
export const sharedWrite = Effect.fn("sharedWrite")(function* (
  target: string,
  content: Uint8Array<ArrayBuffer>,
  digest: string,
  folder = join(cacheFolder(), "shared")
) {
  const path = join(folder, digest)
  const kept = Effect.gen(function* () {
    if (yield* isThere(path, content.length)) return
    yield* Effect.tryPromise(() => mkdir(folder, { recursive: true }))
    yield* atomicWrite(path, content)
  })
  yield* kept.pipe(
    Effect.andThen(linked(path, target)),
    Effect.catch(() => atomicWrite(target, content))
  )
})
