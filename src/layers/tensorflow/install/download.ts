import { Context, Effect, Schedule } from "effect"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { mkdir, open, readFile, rename, rm, stat, statfs, writeFile } from "node:fs/promises"
import { basename, dirname } from "node:path"
import { backendError, BackendError } from "./BackendError.ts"
import type { OnBytes } from "./Transfer.ts"
import { withProgress } from "./Transfer.ts"

/** Tries before a download is given up, each going on where the last one stopped. */
const tries = 4
/** Time in which a server must send something, in milliseconds. */
export const Patience = Context.Reference<number>("weft/layers/tensorflow/install/Patience", {
  defaultValue: () => 20_000
})

interface Published {
  readonly algorithm: "sha256" | "md5"
  readonly hex: string
}

/** Google's storage says an object's MD5 with it. */
const publishedBy = (headers: Headers): Published | undefined => {
  const base64 = /(?:^|,\s*)md5=([A-Za-z0-9+/=]+)/.exec(headers.get("x-goog-hash") ?? "")?.[1]
  return base64 === undefined ? undefined : { algorithm: "md5", hex: Buffer.from(base64, "base64").toString("hex") }
}

const sizeOf = async (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0
  )

/** Which version of the file a part belongs to; one of another version is thrown away. */
const knownTag = (path: string): Promise<string | undefined> => readFile(path, "utf8").catch(() => undefined)

const checkSpace = async (path: string, bytes: number): Promise<void> => {
  const { bavail, bsize } = await statfs(dirname(path))
  if (bavail * bsize < bytes) throw Object.assign(new Error("no space left"), { code: "ENOSPC" })
}

/** One try: the rest of the file, or all of it where the server does not go on. */
const attempt = async (url: string, part: string, patience: number, onBytes: OnBytes, signal: AbortSignal) => {
  const tagFile = `${part}.tag`
  const have = await sizeOf(part)
  const tag = await knownTag(tagFile)
  const resumes = have > 0 && tag !== undefined
  const timer = new AbortController()
  let clock = setTimeout(() => timer.abort(new Error("the server stopped sending")), patience)
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, timer.signal]),
      // Bytes as they lie there: a server that packs them once more says another length.
      headers: { "accept-encoding": "identity", ...(resumes ? { range: `bytes=${have}-`, "if-range": tag } : {}) }
    })
    // All of it was there: what is left is to check it.
    if (response.status === 416 && resumes) return publishedBy(response.headers)
    if (response.status === 404 || response.status === 403 || response.status === 410)
      throw new BackendError({
        reason: "notFound",
        detail: `${url} is not there (status ${response.status})`,
        cure: "Check the address, or name another source with --from."
      })
    if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`)
    const goesOn = response.status === 206
    const from = goesOn ? have : 0
    const length = response.headers.get("content-length")
    const total = length === null ? undefined : from + Number(length)
    if (total !== undefined) await checkSpace(part, total - from)
    const handle = await open(part, goesOn ? "a" : "w")
    try {
      const etag = response.headers.get("etag")
      if (etag !== null) await writeFile(tagFile, etag)
      let done = from
      onBytes(done, total)
      for await (const chunk of response.body) {
        clearTimeout(clock)
        clock = setTimeout(() => timer.abort(new Error("the server stopped sending")), patience)
        await handle.writeFile(chunk) // all of it: `write` may stop in the middle where the disk is full
        done += chunk.length
        onBytes(done, total)
      }
      if (total !== undefined && done !== total) throw new Error(`the connection ended after ${done} of ${total} bytes`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    return publishedBy(response.headers)
  } finally {
    clearTimeout(clock)
  }
}

/** A file's hash in hex. */
export const hashOf = async (path: string, algorithm: "sha256" | "md5"): Promise<string> => {
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  return hash.digest("hex")
}

/**
 * Fetches a file, goes on with what an earlier try left in `PATH.part`, and checks it: against `sha256` where given,
 * else against the hash that the server published with it. Only a whole, checked file bears its name.
 */
export const download = Effect.fn("download")(function* (url: string, path: string, sha256: string | undefined) {
  const name = basename(path)
  const part = `${path}.part`
  const fail = (cause: unknown) => backendError(`${name} from ${new URL(url).host}`, cause)
  yield* Effect.tryPromise({ try: () => mkdir(dirname(path), { recursive: true }), catch: fail })
  const patience = yield* Patience
  const published = yield* withProgress(name, (onBytes) =>
    Effect.tryPromise({ try: (signal) => attempt(url, part, patience, onBytes, signal), catch: fail }).pipe(
      Effect.retry({
        schedule: Schedule.exponential("200 millis"),
        times: tries - 1,
        while: ({ reason }) => reason === "failed"
      })
    )
  ).pipe(
    Effect.mapError((error) =>
      error.reason === "failed"
        ? new BackendError({
            reason: "unreachable",
            detail: error.detail,
            cure: "Run the command again when the server can be reached: it goes on where it stopped."
          })
        : error
    )
  )
  const expected = sha256 === undefined ? published : ({ algorithm: "sha256", hex: sha256.toLowerCase() } as const)
  if (expected !== undefined) {
    const actual = yield* Effect.tryPromise({ try: () => hashOf(part, expected.algorithm), catch: fail })
    if (actual !== expected.hex) {
      yield* Effect.tryPromise({
        try: () => Promise.all([rm(part, { force: true }), rm(`${part}.tag`, { force: true })]),
        catch: fail
      })
      return yield* new BackendError({
        reason: "damaged",
        detail: `${name} has the ${expected.algorithm} ${actual}, and ${expected.hex} is published: it was damaged or exchanged on its way`,
        cure: "It was thrown away; run the command again."
      })
    }
  }
  yield* Effect.tryPromise({
    try: async () => {
      await rename(part, path)
      await rm(`${part}.tag`, { force: true })
    },
    catch: fail
  })
  return path
})
