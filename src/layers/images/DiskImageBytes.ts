import { Effect, Layer } from "effect"
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync
} from "node:fs"
import type { BigIntStats, Stats } from "node:fs"
import { lstat, open, realpath, stat } from "node:fs/promises"
import type { FileHandle } from "node:fs/promises"
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path"
import { ImageBytes, tooManyBytes } from "../../pipeline/ImageBytes.ts"
import { ImageRefused, outside } from "../../pipeline/Images.ts"
import type { Refusal } from "../../pipeline/Images.ts"

/** A path leads outside the folders that it has to lie in, or through a link to nowhere: which of the two is not said. */
class OutsideError extends Error {}

const valueOf = <A>(run: () => A): A | undefined => {
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
const realOf = (folder: string): string | undefined => valueOf(() => realpathSync.native(folder))

/**
 * The folders that a file has to stay in, without links; the one that its path names comes first, and mostly suffices.
 */
type Folders = () => Iterable<string>

/** Where a file is to be looked at. */
interface Place {
  /** Its folder without links, where there are `folders`; it may be a link itself. */
  readonly file: string
  /** Undefined: any file is read. */
  readonly folders: Folders | undefined
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
const placeOf = (path: string, within: ReadonlyArray<string> | undefined): Place => {
  if (within === undefined) return { file: path, folders: undefined }
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

/** Where a link leads, if that is inside. */
const inside = (folders: Folders, target: string | undefined): string => {
  if (target === undefined || !isInside(folders(), target)) throw new OutsideError()
  return target
}

/**
 * Between the look at the folder and the opening, another process may have put a link in the folder's place: where the
 * system tells which file a handle is of, that has to lie inside too. Until then the file was opened, and nothing read.
 */
const handles = "/proc/self/fd"

const judgeHandle = ({ folders }: Place, handle: number): void => {
  const target = folders && valueOf(() => readlinkSync(`${handles}/${handle}`))
  if (folders !== undefined && target !== undefined && !isInside(folders(), target)) throw new OutsideError()
}

/**
 * A FIFO that takes a regular file's place between `stat` and `open` must not block; a terminal must not be taken over.
 */
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0)

/** A link that takes the file's place after it was looked at is not followed either, where it matters. */
const flagsOf = ({ folders }: Place): number => (folders === undefined ? flags : flags | (constants.O_NOFOLLOW ?? 0))

/** Bytes that are read at once; between two reads, a reader can be interrupted. */
const step = 2 ** 24

/** What something is that is no regular file. A device or a FIFO may have no end, and opening it may do something. */
const irregular = (stats: Stats): string | undefined => {
  if (stats.isFile()) return undefined
  if (stats.isDirectory()) return "it is a folder, not a file"
  if (stats.isFIFO()) return "it is a named pipe, not a file"
  if (stats.isSymbolicLink()) return "it became a link while it was looked at"
  if (stats.isSocket()) return "it is a socket, not a file"
  return "it is a device, not a file"
}

const refusalOf = (stats: Stats, most: number): Refusal | undefined => {
  const detail = irregular(stats)
  if (detail !== undefined) return { reason: "imageUnreadable", detail }
  return stats.size > most ? { reason: "imageTooLarge", detail: tooManyBytes(stats.size, most) } : undefined
}

const refusalFrom = (cause: unknown): Refusal => {
  if (cause instanceof OutsideError) return outside
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  if (code === "ENOENT" || code === "ENOTDIR") return { reason: "imageMissing", detail: "there is no such file" }
  const why =
    code === "EACCES" || code === "EPERM"
      ? "permission denied"
      : // `O_NOFOLLOW` fails with these.
        code === "ELOOP" || code === "EMLINK"
        ? "its links go round in a circle, or it became a link while it was looked at"
        : code === "ERR_INVALID_ARG_VALUE"
          ? "its name has a zero byte"
          : code || String(cause)
  return { reason: "imageUnreadable", detail: `the file cannot be read (${why})` }
}

/** Collects a file's bytes. A file may grow or shrink while it is read: what counts is where its end is found. */
class Collected {
  #bytes: Uint8Array
  #length = 0
  readonly #most: number

  /** One byte more than the file has, so that its end shows. */
  constructor(size: number, most: number) {
    this.#bytes = new Uint8Array(size + 1)
    this.#most = most
  }

  /** Room for the next bytes. */
  get room(): Uint8Array {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(Math.min(this.#most + 1, this.#length * 2 + 4096))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    return this.#bytes.subarray(this.#length, this.#length + step)
  }

  /** Takes so many bytes that were read; true where they were the last, or too many. */
  add(count: number): boolean {
    this.#length += count
    return count === 0 || this.#length > this.#most
  }

  get result(): Uint8Array | Refusal {
    return this.#length > this.#most
      ? { reason: "imageTooLarge", detail: tooManyBytes(this.#length, this.#most) }
      : this.#bytes.subarray(0, this.#length)
  }
}

/** The file at a place, by the path without links where it has to stay inside, and what it is. */
const findSync = (place: Place): { readonly file: string; readonly stats: Stats } => {
  const { file, folders } = place
  if (folders === undefined) return { file, stats: statSync(file) }
  const stats = lstatSync(file)
  if (!stats.isSymbolicLink()) return { file, stats }
  const target = inside(folders, realOf(file))
  return { file: target, stats: lstatSync(target) }
}

/**
 * What the system says of a regular file, in the folders that it has to lie in; undefined of any other. Reads nothing.
 */
export const statInside = (path: string, within?: ReadonlyArray<string> | undefined): BigIntStats | undefined => {
  const stats = valueOf(() => statSync(findSync(placeOf(path, within)).file, { bigint: true }))
  return stats?.isFile() === true ? stats : undefined
}

/** What the service's `read` gives, at once: for a thread that has nothing else to do. */
export const readImageSync = (
  path: string,
  most: number,
  within?: ReadonlyArray<string> | undefined
): Uint8Array | Refusal => {
  try {
    const place = placeOf(path, within)
    const found = findSync(place)
    const before = refusalOf(found.stats, most)
    if (before !== undefined) return before
    const file = openSync(found.file, flagsOf(place))
    try {
      judgeHandle(place, file)
      const stats = fstatSync(file)
      const refusal = refusalOf(stats, most)
      if (refusal !== undefined) return refusal
      const collected = new Collected(stats.size, most)
      while (!collected.add(readSync(file, collected.room)));
      return collected.result
    } finally {
      closeSync(file)
    }
  } catch (cause) {
    return refusalFrom(cause)
  }
}

const attempt = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: refusalFrom })
const attemptSync = <A>(run: () => A) => Effect.try({ try: run, catch: refusalFrom })

const judge = (stats: Stats, most: number) => {
  const refusal = refusalOf(stats, most)
  return refusal === undefined ? Effect.void : Effect.fail(refusal)
}

/** `findSync`, without holding up the thread. */
const find = Effect.fnUntraced(function* ({ file, folders }: Place) {
  if (folders === undefined) return { file, stats: yield* attempt(() => stat(file)) }
  const stats = yield* attempt(() => lstat(file))
  if (!stats.isSymbolicLink()) return { file, stats }
  const real = yield* Effect.orElseSucceed(
    attempt(() => realpath(file)),
    () => undefined
  )
  const target = yield* attemptSync(() => inside(folders, real))
  return { file: target, stats: yield* attempt(() => lstat(target)) }
})

const collect = Effect.fnUntraced(function* (place: Place, file: FileHandle, most: number) {
  yield* attemptSync(() => judgeHandle(place, file.fd))
  const stats = yield* attempt(() => file.stat())
  yield* judge(stats, most)
  const collected = new Collected(stats.size, most)
  while (!collected.add((yield* attempt(() => file.read(collected.room))).bytesRead));
  const { result } = collected
  return result instanceof Uint8Array ? result : yield* Effect.fail(result)
})

/**
 * Opens a file that has to lie in some folders, for who reads parts of it; it is closed with its Scope. Refuses as `read`
 * does, whatever its length.
 */
export const openInside = Effect.fnUntraced(function* (path: string, within: ReadonlyArray<string> | undefined) {
  const place = yield* attemptSync(() => placeOf(path, within))
  const found = yield* find(place)
  yield* judge(found.stats, Infinity)
  const handle = yield* Effect.acquireRelease(
    attempt(() => open(found.file, flagsOf(place))),
    (file) => Effect.ignore(attempt(() => file.close()))
  )
  yield* attemptSync(() => judgeHandle(place, handle.fd))
  const stats = yield* attempt(() => handle.stat())
  yield* judge(stats, Infinity)
  return { handle, stats }
})

const readAt = Effect.fnUntraced(function* (place: Place, most: number) {
  const found = yield* find(place)
  yield* judge(found.stats, most)
  return yield* Effect.acquireUseRelease(
    attempt(() => open(found.file, flagsOf(place))),
    (file) => collect(place, file, most),
    (file) => Effect.ignore(attempt(() => file.close()))
  )
})

/** The service's `read`. */
export const read = (path: string, most: number, within?: ReadonlyArray<string> | undefined) =>
  attemptSync(() => placeOf(path, within)).pipe(
    Effect.flatMap((place) => readAt(place, most)),
    Effect.mapError((refusal) => new ImageRefused({ path, ...refusal }))
  )

/**
 * Regular files on disk; what a device, a FIFO, a socket or a folder is, is told by its kind and never opened. Of a file
 * that has to lie in some folders and does not, the same is said whether it is there or not.
 */
export const layer = Layer.succeed(ImageBytes, { read, isOnDisk: () => true })
