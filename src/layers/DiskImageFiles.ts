import { Layer, Result, Stream } from "effect"
import { opendir, stat } from "node:fs/promises"
import { join, posix } from "node:path"
import { byCodeUnit } from "../pipeline/hashOrder.ts"
import type { ImagePath } from "../pipeline/ImageFiles.ts"
import { ImageFiles, PathRefused } from "../pipeline/ImageFiles.ts"

const refused = (path: string, reason: PathRefused["reason"], detail: string): ImagePath =>
  Result.fail(new PathRefused({ path, reason, detail }))

const isImage = (name: string) => /\.(jpe?g|png|webp|gif|tiff?|avif)$/i.test(name)

/** Names of a folder that are read from the disk at once. */
const bufferSize = 1024

/** The names in a folder in their order, those of folders with a slash behind them: strings alone, for there may be many. */
const namesIn = async (folder: string): Promise<ReadonlyArray<string>> => {
  const names: Array<string> = []
  for await (const entry of await opendir(folder, { bufferSize }))
    names.push(entry.isDirectory() ? `${entry.name}/` : entry.name)
  return names.sort(byCodeUnit)
}

/** What is wanted of a walk; paths are relative to its begin, with slashes. */
interface Wanted {
  readonly file: (path: string) => boolean
  readonly folder: (path: string) => boolean
}

/** The wanted files below a folder, depth first; in memory are the names of the folders that are open, and no others. */
async function* walk(base: string, wanted: Wanted, below = ""): AsyncGenerator<ImagePath> {
  const folder = join(base, below)
  let names: ReadonlyArray<string>
  try {
    names = await namesIn(folder === "" ? "." : folder)
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    yield refused(folder, "folderUnreadable", `the folder cannot be read: ${detail}`)
    return
  }
  for (const name of names) {
    const path = below + name
    if (!name.endsWith("/")) {
      if (wanted.file(path)) yield Result.succeed(join(base, path))
    } else if (wanted.folder(path.slice(0, -1))) yield* walk(base, wanted, path)
  }
}

/** A walk that says so where it found nothing. */
async function* walkOr(base: string, wanted: Wanted, nothing: ImagePath): AsyncGenerator<ImagePath> {
  let isEmpty = true
  for await (const found of walk(base, wanted)) {
    isEmpty = false
    yield found
  }
  if (isEmpty) yield nothing
}

const isPattern = (text: string) => /[*?[{]/.test(text)

/** The folder that a pattern begins with, and which of what is below it matches the rest. */
const partsOf = (pattern: string): { readonly base: string; readonly wanted: Wanted } => {
  const segments = pattern.split("/")
  const first = segments.findIndex(isPattern)
  const rest = segments.slice(first)
  const matches = (path: string, count: number) => posix.matchesGlob(path, rest.slice(0, count).join("/"))
  const isDeep = pattern.includes("**") || pattern.includes("{") // the segments say nothing of how deep it goes
  return {
    base: first === 0 ? "" : segments.slice(0, first).join("/") || "/",
    wanted: {
      file: (path) => matches(path, rest.length),
      folder: (path) => {
        const depth = path.split("/").length
        return isDeep || (depth < rest.length && matches(path, depth))
      }
    }
  }
}

async function* find(path: string): AsyncGenerator<ImagePath> {
  const info = await stat(path).catch(() => undefined)
  if (info?.isDirectory() === true)
    yield* walkOr(
      path,
      { file: isImage, folder: () => true },
      refused(path, "noImages", "there are no images in this folder")
    )
  else if (info === undefined && isPattern(path)) {
    const { base, wanted } = partsOf(path)
    yield* walkOr(base, wanted, refused(path, "noMatch", "no file matches this pattern"))
  } else yield Result.succeed(path)
}

/** Files and folders on disk. */
export const layer = Layer.succeed(ImageFiles, {
  // Nothing that the disk says is thrown: it is an element of its own.
  find: (path) => Stream.orDie(Stream.fromAsyncIterable(find(path), (cause) => cause))
})
