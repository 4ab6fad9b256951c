import { Effect, Schedule, Semaphore } from "effect"
import { createHash } from "node:crypto"
import { mkdir, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { UrlsConfig } from "../../pipeline/DataConfig.ts"
import { ImageRefused } from "../../pipeline/Images.ts"
import type { Refusal } from "../../pipeline/Images.ts"
import { isUrl } from "../../pipeline/Rows.ts"
import { withLock } from "../storage/lock.ts"
import { finishPart, partOf } from "../storage/Part.ts"
import { systemFault } from "../storage/systemFault.ts"
import * as DiskImageBytes from "./DiskImageBytes.ts"
import type { ImageKind } from "./ImageKind.ts"
import { refusalOf } from "./urls/allowed.ts"
import { fetchImage, NotFetched } from "./urls/fetchImage.ts"

/** Milliseconds before the second try; twice as long before each one after it. */
const pause = 250

/** Where a URL's image is kept: by the URL alone, in folders of a bearable size. */
const cachedAt = (cache: string, url: URL): string => {
  const digest = createHash("sha256").update(url.href).digest("hex")
  return join(cache, digest.slice(0, 2), digest)
}

const notAllowed = (url: URL): Refusal => ({
  reason: "urlRefused",
  detail: `this is a URL, and none may be fetched: allow its host with \`data.urls.hosts = [${JSON.stringify(url.hostname)}]\``
})

const isFile = (path: string) =>
  Effect.promise(() =>
    stat(path).then(
      (found) => found.isFile(),
      () => false
    )
  )

const onDisk = (path: string, cause: unknown): Refusal => ({
  reason: "notFetched",
  detail: `${path} cannot be written (${systemFault(cause).detail}); see \`data.urls.cache\``
})

/** A fetch that is stopped is waited for: nothing writes to the part once the effect is over. */
const fetchOnce = (url: URL, path: string, urls: UrlsConfig) =>
  Effect.suspend(() => {
    const controller = new AbortController()
    const part = partOf(path)
    const working = fetchImage(url, part, urls, urls.maxBytes, controller.signal)
    return Effect.tryPromise({
      try: () => working,
      catch: (cause) =>
        cause instanceof NotFetched ? cause : new NotFetched({ reason: "notFetched", detail: String(cause) })
    }).pipe(
      Effect.onInterrupt(() => {
        controller.abort()
        return Effect.ignore(Effect.tryPromise(() => working))
      }),
      Effect.andThen(
        Effect.tryPromise({ try: () => finishPart(part, path), catch: (cause) => new NotFetched(onDisk(path, cause)) })
      )
    )
  })

/** The file that has a URL's image, fetched first where it is not there yet; processes that want the same fetch it once. */
const placed = Effect.fnUntraced(function* (url: URL, path: string, urls: UrlsConfig) {
  if (yield* isFile(path)) return
  yield* Effect.tryPromise({
    try: () => mkdir(dirname(path), { recursive: true }),
    catch: (cause) => onDisk(dirname(path), cause)
  })
  const fetching = fetchOnce(url, path, urls).pipe(
    Effect.retry({
      while: ({ mayHelp }) => mayHelp,
      schedule: Schedule.exponential(pause),
      times: urls.retries
    }),
    Effect.mapError(({ refusal }) => refusal)
  )
  const once = Effect.flatMap(isFile(path), (isThere) => (isThere ? Effect.void : fetching))
  yield* withLock(`${path}.lock`, once).pipe(
    Effect.catchTag("FileError", (error) => Effect.fail<Refusal>({ reason: "notFetched", detail: error.message }))
  )
})

/**
 * Images at URLs, of the hosts that `data.urls` names: fetched once, into its cache, and read from there. The connection
 * is only made to addresses that were checked; redirects are checked as the first address is.
 */
export const makeUrlImages: Effect.Effect<ImageKind> = Effect.sync(() => {
  /** By `data.urls.concurrency`. */
  const places = new Map<number, Semaphore.Semaphore>()
  const placeOf = (concurrency: number): Semaphore.Semaphore => {
    const known = places.get(concurrency) ?? Semaphore.makeUnsafe(concurrency)
    places.set(concurrency, known)
    return known
  }
  return {
    takes: isUrl,
    read: Effect.fnUntraced(function* (path, most, _, urls) {
      const refuse = ({ detail, reason }: Refusal) => new ImageRefused({ path, reason, detail })
      const url = URL.canParse(path) ? new URL(path) : undefined
      if (url === undefined) return yield* refuse({ reason: "urlRefused", detail: "this is no URL that can be read" })
      url.hash = ""
      if (urls === undefined) return yield* refuse(notAllowed(url))
      const refusal = refusalOf(url, urls.hosts)
      if (refusal !== undefined) return yield* refuse({ reason: "urlRefused", detail: refusal })
      const file = cachedAt(urls.cache, url)
      yield* placed(url, file, urls).pipe(Semaphore.withPermit(placeOf(urls.concurrency)), Effect.mapError(refuse))
      return yield* Effect.mapError(DiskImageBytes.read(file, most, [urls.cache]), refuse)
    })
  }
})
