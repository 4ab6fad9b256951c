import { request as requestHttp } from "node:http"
import type { IncomingMessage } from "node:http"
import { request as requestHttps } from "node:https"
import { open, readFile, rm, writeFile } from "node:fs/promises"
import type { UrlsConfig } from "../../../pipeline/DataConfig.ts"
import { tooManyBytes } from "../../../pipeline/ImageBytes.ts"
import { formatOf } from "../../../pipeline/imageFormat.ts"
import type { Refusal } from "../../../pipeline/Images.ts"
import type { Part } from "../../storage/Part.ts"
import { dropPart, stateOf } from "../../storage/Part.ts"
import { AddressRefused, lookupFor, refusalOf } from "./allowed.ts"

/** An image was not fetched: why, and whether another try may help. */
export class NotFetched extends Error {
  readonly refusal: Refusal
  readonly mayHelp: boolean
  constructor(refusal: Refusal, mayHelp = false) {
    super(refusal.detail)
    this.refusal = refusal
    this.mayHelp = mayHelp
  }
}

const mostRedirects = 5

/** A server that sends a little now and then is waited for so many times `timeoutSeconds` altogether. */
const longest = 10

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const gone: ReadonlySet<number> = new Set([404, 410])
/** Too early, too many requests, and a server's own failure: another try may help. */
const passing = (status: number): boolean => [408, 425, 429].includes(status) || status >= 500

const notFetched = (detail: string, mayHelp: boolean) => new NotFetched({ reason: "notFetched", detail }, mayHelp)

/** One request, without following where it leads. The body is still to be read. */
const ask = (url: URL, headers: Record<string, string>, urls: UrlsConfig, signal: AbortSignal, onSilence: () => void) =>
  new Promise<IncomingMessage>((done, failed) => {
    const send = url.protocol === "https:" ? requestHttps : requestHttp
    const asked = send(url, { headers, signal, lookup: lookupFor(url, urls.hosts) }, done)
    asked.setTimeout(urls.timeoutSeconds * 1000, onSilence)
    asked.on("error", failed)
    asked.end()
  })

/** The answer at the end of all redirects, each of which has to be allowed as the first address is. */
const follow = async (
  start: URL,
  headers: Record<string, string>,
  urls: UrlsConfig,
  signal: AbortSignal,
  onSilence: () => void
) => {
  let url = start
  for (let hops = 0; hops <= mostRedirects; hops++) {
    const refusal = refusalOf(url, urls.hosts)
    if (refusal !== undefined)
      throw new NotFetched({
        reason: "urlRefused",
        detail: hops === 0 ? refusal : `the server leads to another address: ${refusal}`
      })
    const answer = await ask(url, headers, urls, signal, onSilence)
    const { location } = answer.headers
    if (!redirects.has(answer.statusCode ?? 0) || location === undefined) return answer
    answer.destroy()
    const next = URL.canParse(location, url) ? new URL(location, url) : undefined
    if (next === undefined) throw notFetched("the server leads to what is no URL", false)
    if (url.protocol === "https:" && next.protocol !== "https:")
      throw new NotFetched({ reason: "urlRefused", detail: "the server leads to an address without encryption" })
    url = next
  }
  throw notFetched(`the server leads on and on, more than ${mostRedirects} times`, false)
}

/** Where a partial answer begins. Source: RFC 9110, 14.4. */
const beginOf = (answer: IncomingMessage): number =>
  Number(/^bytes (\d+)-/.exec(answer.headers["content-range"] ?? "")?.[1] ?? Number.NaN)

const checkStatus = async (answer: IncomingMessage, part: Part, have: number): Promise<void> => {
  const { statusCode: status = 0 } = answer
  if (status === 200 || (status === 206 && have > 0 && beginOf(answer) === have)) return
  answer.destroy()
  // The server does not go on where the last try ended: it begins anew.
  if (status === 206 || status === 416) {
    await dropPart(part)
    throw notFetched(`the server went on from another place (status ${status})`, true)
  }
  if (gone.has(status))
    throw new NotFetched({ reason: "imageMissing", detail: `it is not there (the server answered ${status})` })
  throw notFetched(`the server answered ${status}`, passing(status))
}

/** Writes what comes behind what is there, and no more than `most` bytes in all. */
const receive = async (answer: IncomingMessage, part: Part, start: number, most: number): Promise<void> => {
  const tooLarge = (bytes: number) =>
    new NotFetched({ reason: "imageTooLarge", detail: tooManyBytes(bytes, most, "data.urls.maxBytes") })
  const length = answer.headers["content-length"]
  const total = length === undefined ? undefined : start + Number(length)
  if (total !== undefined && total > most) {
    answer.destroy()
    throw tooLarge(total)
  }
  // At no moment may a tag lie beside bytes of another version.
  await rm(part.tagFile, { force: true })
  const handle = await open(part.path, start > 0 ? "a" : "w")
  let done = start
  try {
    const { etag } = answer.headers
    // A weak one does not promise the same bytes. Source: RFC 9110, 13.1.5.
    if (etag !== undefined && !etag.startsWith("W/")) await writeFile(part.tagFile, etag)
    for await (const chunk of answer) {
      if (!(chunk instanceof Uint8Array)) continue
      done += chunk.length
      if (done > most) throw tooLarge(done)
      await handle.writeFile(chunk)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  if (total !== undefined && done !== total)
    throw notFetched(`the connection ended after ${done} of ${total} bytes`, true)
}

/**
 * One try to fetch an image into a part: the rest of it behind what an earlier try left, or all of it where the server
 * does not go on. Rejects with a NotFetched; a part that may be gone on with stays.
 */
export const fetchImage = async (
  url: URL,
  part: Part,
  urls: UrlsConfig,
  most: number,
  signal: AbortSignal
): Promise<void> => {
  const timer = new AbortController()
  const seconds = urls.timeoutSeconds * longest
  const giveUp = (why: string) => timer.abort(notFetched(why, true))
  const clock = setTimeout(() => giveUp(`it was not there after ${seconds} s`), seconds * 1000)
  try {
    const { have, tag } = await stateOf(part)
    const resumes = have > 0 && tag !== undefined
    const answer = await follow(
      url,
      {
        accept: "image/*",
        "accept-encoding": "identity",
        "user-agent": "weft",
        ...(resumes && { range: `bytes=${have}-`, "if-range": tag })
      },
      urls,
      AbortSignal.any([signal, timer.signal]),
      () => giveUp(`the server sent nothing for ${urls.timeoutSeconds} s`)
    )
    await checkStatus(answer, part, resumes ? have : 0)
    const packing = (answer.headers["content-encoding"] ?? "identity").trim().toLowerCase()
    if (packing !== "identity" && packing !== "") {
      answer.destroy()
      throw notFetched(`the server packs what it sends (${packing}), which was not asked for`, false)
    }
    await receive(answer, part, answer.statusCode === 206 ? have : 0, most)
    const bytes = await readFile(part.path)
    if (formatOf(bytes) === undefined)
      throw new NotFetched({
        reason: "notAnImage",
        detail: `what came is no image (${answer.headers["content-type"] ?? "of no type"}, ${bytes.length} bytes)`
      })
  } catch (thrown) {
    // What was thrown says only that it was stopped.
    const cause: unknown = timer.signal.aborted ? timer.signal.reason : thrown
    const refused =
      cause instanceof NotFetched
        ? cause
        : cause instanceof AddressRefused
          ? new NotFetched({ reason: "urlRefused", detail: cause.message })
          : notFetched(cause instanceof Error ? cause.message || String(cause) : String(cause), true)
    if (!refused.mayHelp) await dropPart(part)
    throw refused
  } finally {
    clearTimeout(clock)
  }
}
