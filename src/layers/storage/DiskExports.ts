import { Effect, Layer } from "effect"
import { mkdir, readdir, readFile, rename, rm, rmdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import { descriptionFile, isExported } from "../../model/export/exportFiles.ts"
import { ExportError, Exports } from "../../run/export/Exports.ts"
import type { Draft } from "../../run/export/Exports.ts"
import type { ExportFile } from "../../model/export/Format.ts"
import { fileError, flushFolder, removeLeftovers, temporaryBeside, writeFlushed } from "./atomicWrite.ts"

const attempt = <A>(path: string, action: () => Promise<A>) =>
  Effect.tryPromise({
    try: action,
    catch: (cause) =>
      cause instanceof ExportError
        ? cause
        : new ExportError({ where: path, reason: "unwritable", detail: fileError(path, cause).detail })
  })

/** The names in a folder; undefined where there is no folder. */
const contents = (path: string) =>
  attempt(path, () =>
    readdir(path).catch((cause: unknown) => {
      const code = cause instanceof Error && "code" in cause ? cause.code : undefined
      if (code === "ENOENT") return undefined
      if (code === "ENOTDIR")
        throw new ExportError({ where: path, reason: "occupied", detail: "this is a file; name a folder with --out" })
      throw cause
    })
  )

const vacant = Effect.fn("Exports.vacant")(function* (target: string, force: boolean) {
  const names = yield* contents(target)
  if (names === undefined || names.length === 0) return
  const occupied = (detail: string) => new ExportError({ where: target, reason: "occupied", detail })
  const foreign = names.filter((name) => !isExported(name))
  if (foreign.length > 0 || !names.includes(descriptionFile))
    return yield* occupied(
      `the folder is not empty, and not an export either (it has ${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}); name another folder with --out`
    )
  if (!force)
    return yield* occupied("there is an export in this folder; replace it with --force, or name another with --out")
})

/** Writes and flushes all files into a new folder. Errors name the target, which is the path that the user gave. */
const write = Effect.fnUntraced(function* (folder: string, target: string, files: ReadonlyArray<ExportFile>) {
  yield* attempt(target, () => mkdir(folder))
  for (const { content, name } of files)
    yield* attempt(join(target, name), () => writeFlushed(join(folder, name), content))
  yield* attempt(target, () => flushFolder(folder))
})

/** Moves a written folder to the target; an earlier export stays until that is done. */
const replace = Effect.fnUntraced(function* (folder: string, target: string) {
  const earlier = yield* contents(target)
  if (earlier === undefined || earlier.length === 0) {
    if (earlier !== undefined) yield* attempt(target, () => rmdir(target))
    return yield* attempt(target, () => rename(folder, target))
  }
  const aside = yield* temporaryBeside(target)
  yield* attempt(target, () => rename(target, aside))
  yield* attempt(target, () => rename(folder, target)).pipe(
    Effect.tapError(() => Effect.ignore(attempt(target, () => rename(aside, target))))
  )
  yield* attempt(aside, () => rm(aside, { recursive: true, force: true }))
}, Effect.scoped)

const draft = Effect.fn("Exports.draft")(function* (target: string, files: ReadonlyArray<ExportFile>) {
  const parent = dirname(target)
  yield* Effect.acquireRelease(
    attempt(parent, () => mkdir(parent, { recursive: true })),
    // Removes folders that were made for the failed export; `rmdir` removes empty ones only.
    (made) => (made === undefined ? Effect.void : Effect.ignore(attempt(parent, () => rmdir(parent))))
  )
  yield* Effect.ignore(removeLeftovers(parent))
  const folder = yield* temporaryBeside(target)
  yield* Effect.addFinalizer(() => Effect.ignore(attempt(folder, () => rm(folder, { recursive: true, force: true }))))
  yield* write(folder, target, files)
  return {
    folder,
    read: (name: string) => attempt(join(target, name), () => readFile(join(folder, name)))
  }
})

const publish = Effect.fn("Exports.publish")(
  function* <A, E, R>(
    target: string,
    files: ReadonlyArray<ExportFile>,
    force: boolean,
    check: (draft: Draft) => Effect.Effect<A, E, R>
  ) {
    yield* vacant(target, force)
    const written = yield* draft(target, files)
    const checked = yield* check(written)
    yield* Effect.uninterruptible(replace(written.folder, target))
    const parent = dirname(target)
    yield* attempt(parent, () => flushFolder(parent))
    return checked
  },
  (effect) => Effect.scoped(effect)
)

/** Exports on disk: written beside their folder, checked there, and renamed. */
export const layer = Layer.succeed(Exports, { vacant, draft, publish })
