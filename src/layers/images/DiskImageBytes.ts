import { Effect, Layer } from "effect"
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs"
import type { Stats } from "node:fs"
import { open, stat } from "node:fs/promises"
import type { FileHandle } from "node:fs/promises"
import { ImageBytes, tooManyBytes } from "../../pipeline/ImageBytes.ts"
import type { ImageFault } from "../../pipeline/Images.ts"
import { ImageRefused } from "../../pipeline/Images.ts"

/** Why a file's bytes cannot be had. */
interface Refusal {
  readonly reason: ImageFault
  readonly detail: string
}

/** A FIFO that takes a regular file's place between `stat` and `open` must not block; a terminal must not be taken over. */
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0)

/** Bytes that are read at once; between two reads, a reader can be interrupted. */
const step = 2 ** 24

/** What something is that is no regular file. A device or a FIFO may have no end, and opening it may do something. */
const irregular = (stats: Stats): string | undefined => {
  if (stats.isFile()) return undefined
  if (stats.isDirectory()) return "it is a folder, not a file"
  if (stats.isFIFO()) return "it is a named pipe, not a file"
  if (stats.isSocket()) return "it is a socket, not a file"
  return "it is a device, not a file"
}

const refusalOf = (stats: Stats, most: number): Refusal | undefined => {
  const detail = irregular(stats)
  if (detail !== undefined) return { reason: "imageUnreadable", detail }
  return stats.size > most ? { reason: "imageTooLarge", detail: tooManyBytes(stats.size, most) } : undefined
}

const refusalFrom = (cause: unknown): Refusal => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  if (code === "ENOENT" || code === "ENOTDIR") return { reason: "imageMissing", detail: "there is no such file" }
  const why =
    code === "EACCES" || code === "EPERM"
      ? "permission denied"
      : code === "ELOOP"
        ? "its links go round in a circle"
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

/** A regular file's bytes, at once: for a thread that has nothing else to do. */
export const readImageSync = (path: string, most: number): Uint8Array | Refusal => {
  try {
    const before = refusalOf(statSync(path), most)
    if (before !== undefined) return before
    const file = openSync(path, flags)
    try {
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

const judge = (stats: Stats, most: number) => {
  const refusal = refusalOf(stats, most)
  return refusal === undefined ? Effect.void : Effect.fail(refusal)
}

const collect = Effect.fnUntraced(function* (file: FileHandle, most: number) {
  const stats = yield* attempt(() => file.stat())
  yield* judge(stats, most)
  const collected = new Collected(stats.size, most)
  while (!collected.add((yield* attempt(() => file.read(collected.room))).bytesRead));
  const { result } = collected
  return result instanceof Uint8Array ? result : yield* Effect.fail(result)
})

const read = (path: string, most: number) =>
  Effect.flatMap(
    attempt(() => stat(path)),
    (stats) => judge(stats, most)
  ).pipe(
    Effect.andThen(
      Effect.acquireUseRelease(
        attempt(() => open(path, flags)),
        (file) => collect(file, most),
        (file) => Effect.ignore(attempt(() => file.close()))
      )
    ),
    Effect.mapError((refusal) => new ImageRefused({ path, ...refusal }))
  )

/** Regular files on disk; what a device, a FIFO, a socket or a folder is, is told by its kind and never opened. */
export const layer = Layer.succeed(ImageBytes, { read, areOnDisk: true })
