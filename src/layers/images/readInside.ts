import { closeSync, constants, lstatSync, openSync, readFileSync, readlinkSync, realpathSync } from "node:fs"
import { open, readFile, readlink, realpath } from "node:fs/promises"
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path"

/** A path leads outside the folders that it has to lie in, or through a link to nowhere: which of the two is not said. */
export class OutsideError extends Error {}

/** `O_NOFOLLOW` fails with this where the file is a link. */
const linkCodes: ReadonlySet<unknown> = new Set(["ELOOP", "EMLINK"])

const codeOf = (cause: unknown): unknown => (cause instanceof Error && "code" in cause ? cause.code : undefined)

const isUnder = (folder: string, path: string): boolean => {
  const way = relative(folder, path)
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** A folder's own path with all links followed; undefined where it cannot be had. */
const realOf = (folder: string): string | undefined => {
  try {
    return realpathSync.native(folder)
  } catch {
    return undefined
  }
}

/** Where a file is to be opened, and the folders that it has to stay in; all without links. */
interface Place {
  readonly file: string
  readonly folders: ReadonlyArray<string>
}

const isInside = (folders: ReadonlyArray<string>, path: string): boolean =>
  folders.some((folder) => isUnder(folder, path))

/**
 * Why a file's folder cannot be resolved, without a word of what lies outside: a link on the way there ends the search,
 * whether it leads to something or not.
 */
const explain = (folder: string, start: string, folders: ReadonlyArray<string>, cause: unknown): unknown => {
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
  const start = within.map((folder) => resolve(folder)).find((folder) => isUnder(folder, full))
  if (start === undefined) throw new OutsideError()
  const folders = within.flatMap((folder) => realOf(folder) ?? [])
  const folder = dirname(full)
  try {
    const real = realpathSync.native(folder)
    if (isInside(folders, real)) return { file: join(real, basename(full)), folders }
  } catch (cause) {
    throw explain(folder, start, folders, cause)
  }
  throw new OutsideError()
}

/** Undefined on systems that cannot open a file only if it is no link. */
const noLink: number | undefined = constants.O_NOFOLLOW

/** Where a link leads, if that is inside. */
const inside = (folders: ReadonlyArray<string>, target: string | undefined): string => {
  if (target === undefined || !isInside(folders, target)) throw new OutsideError()
  return target
}

/**
 * Between the look at the folder and the opening, another process may have put a link in the folder's place: where the
 * system tells which file a handle is of, that has to lie inside too. Until then the file was opened, and nothing read.
 */
const handles = "/proc/self/fd"

const judge = (folders: ReadonlyArray<string>, target: string | undefined): void => {
  if (target !== undefined && !isInside(folders, target)) throw new OutsideError()
}

/**
 * A file's bytes, which has to lie in one of some folders when all links are followed; any file where there are none
 * named. Throws an `OutsideError`, the same whether there is something outside or not, or the system's own error.
 */
export const readInside = async (path: string, within: ReadonlyArray<string> | undefined): Promise<Uint8Array> => {
  if (within === undefined) return readFile(path)
  const { file, folders } = placeOf(path, within)
  const follow = async () => inside(folders, await realpath(file).catch(() => undefined))
  const flags = constants.O_RDONLY | (noLink ?? 0)
  const handle = await open(noLink === undefined ? await follow() : file, flags).catch(async (cause: unknown) => {
    if (!linkCodes.has(codeOf(cause))) throw cause
    return open(await follow(), flags)
  })
  try {
    judge(folders, await readlink(`${handles}/${handle.fd}`).catch(() => undefined))
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

const attempt = <A>(run: () => A): A | undefined => {
  try {
    return run()
  } catch {
    return undefined
  }
}

/** The same at once, for threads that do nothing else. */
export const readInsideNow = (path: string, within: ReadonlyArray<string> | undefined): Uint8Array => {
  if (within === undefined) return readFileSync(path)
  const { file, folders } = placeOf(path, within)
  const follow = () => inside(folders, realOf(file))
  const flags = constants.O_RDONLY | (noLink ?? 0)
  const openNow = () => {
    if (noLink === undefined) return openSync(follow(), flags)
    try {
      return openSync(file, flags)
    } catch (cause) {
      if (!linkCodes.has(codeOf(cause))) throw cause
      return openSync(follow(), flags)
    }
  }
  const handle = openNow()
  try {
    judge(
      folders,
      attempt(() => readlinkSync(`${handles}/${handle}`))
    )
    return readFileSync(handle)
  } finally {
    closeSync(handle)
  }
}
