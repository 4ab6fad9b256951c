import { closeSync, constants, lstatSync, openSync, readFileSync, readlinkSync, realpathSync } from "node:fs"
import { open, readFile, realpath } from "node:fs/promises"
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path"

/** A path leads outside the folders that it has to lie in, or through a link to nowhere: which of the two is not said. */
export class OutsideError extends Error {}

/** `O_NOFOLLOW` fails with this where the file is a link. */
const linkCodes: ReadonlySet<unknown> = new Set(["ELOOP", "EMLINK"])

const codeOf = (cause: unknown): unknown => (cause instanceof Error && "code" in cause ? cause.code : undefined)

const attempt = <A>(run: () => A): A | undefined => {
  try {
    return run()
  } catch {
    return undefined
  }
}

const isUnder = (folder: string, path: string): boolean => {
  const way = relative(folder, path)
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** A folder's own path with all links followed; undefined where it cannot be had. */
const realOf = (folder: string): string | undefined => attempt(() => realpathSync.native(folder))

/** Where a file is to be opened, and the folders that it has to stay in; all without links. */
interface Place {
  readonly file: string
  /** The one that it lies in comes first, and is mostly the only one that is looked at. */
  readonly folders: () => Iterable<string>
}

const isInside = (folders: Iterable<string>, path: string): boolean => {
  for (const folder of folders) if (isUnder(folder, path)) return true
  return false
}

/**
 * Why a file's folder cannot be resolved, without a word of what lies outside: a link on the way there ends the search,
 * whether it leads to something or not.
 */
const explain = (folder: string, start: string, folders: Iterable<string>, cause: unknown): unknown => {
  for (let at = folder; at !== start; at = dirname(at)) {
    const parent = realOf(dirname(at))
    if (parent === undefined) continue
    if (!isInside(folders, parent)) return new OutsideError()
    const isLink = lstatSync(join(parent, basename(at)), { throwIfNoEntry: false })?.isSymbolicLink()
    return isLink === true ? new OutsideError() : cause
  }
  return cause
}

/** Looks at folders alone, and at none outside but through a link inside. Throws where the path leads outside. */
const placeOf = (path: string, within: ReadonlyArray<string>): Place => {
  const full = resolve(path)
  const named = within.map((folder) => resolve(folder))
  const start = named.find((folder) => isUnder(folder, full))
  if (start === undefined) throw new OutsideError()
  const first = realOf(start)
  const folders = function* () {
    if (first !== undefined) yield first
    for (const folder of named) {
      const real = folder === start ? undefined : realOf(folder)
      if (real !== undefined) yield real
    }
  }
  const folder = dirname(full)
  try {
    const real = folder === start && first !== undefined ? first : realpathSync.native(folder)
    if (isInside(folders(), real)) return { file: join(real, basename(full)), folders }
  } catch (cause) {
    throw explain(folder, start, [...folders()], cause)
  }
  throw new OutsideError()
}

/** Undefined on systems that cannot open a file only if it is no link. */
const noLink: number | undefined = constants.O_NOFOLLOW

/** Where a link leads, if that is inside. */
const inside = ({ folders }: Place, target: string | undefined): string => {
  if (target === undefined || !isInside(folders(), target)) throw new OutsideError()
  return target
}

/**
 * Between the look at the folder and the opening, another process may have put a link in the folder's place: where the
 * system tells which file a handle is of, that has to lie inside too. Until then the file was opened, and nothing read.
 */
const handles = "/proc/self/fd"

const judge = ({ folders }: Place, handle: number): void => {
  const target = attempt(() => readlinkSync(`${handles}/${handle}`))
  if (target !== undefined && !isInside(folders(), target)) throw new OutsideError()
}

/**
 * A file's bytes, which has to lie in one of some folders when all links are followed; any file where there are none
 * named. Throws an `OutsideError`, the same whether there is something outside or not, or the system's own error.
 */
export const readInside = async (path: string, within: ReadonlyArray<string> | undefined): Promise<Uint8Array> => {
  if (within === undefined) return readFile(path)
  const place = placeOf(path, within)
  const follow = async () => {
    const target = await realpath(place.file).catch(() => undefined)
    return inside(place, target)
  }
  const flags = constants.O_RDONLY | (noLink ?? 0)
  const handle = await open(noLink === undefined ? await follow() : place.file, flags).catch(async (cause: unknown) => {
    if (!linkCodes.has(codeOf(cause))) throw cause
    return open(await follow(), flags)
  })
  try {
    judge(place, handle.fd)
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

/** The same at once, for threads that do nothing else. */
export const readInsideNow = (path: string, within: ReadonlyArray<string> | undefined): Uint8Array => {
  if (within === undefined) return readFileSync(path)
  const place = placeOf(path, within)
  const follow = () => inside(place, realOf(place.file))
  const flags = constants.O_RDONLY | (noLink ?? 0)
  const openNow = () => {
    if (noLink === undefined) return openSync(follow(), flags)
    try {
      return openSync(place.file, flags)
    } catch (cause) {
      if (!linkCodes.has(codeOf(cause))) throw cause
      return openSync(follow(), flags)
    }
  }
  const handle = openNow()
  try {
    judge(place, handle)
    return readFileSync(handle)
  } finally {
    closeSync(handle)
  }
}
