import type { Redacted } from "effect"
import { open, rm, writeFile } from "node:fs/promises"
import { DownloadError } from "./DownloadError.ts"
import type { Hash, Part } from "../../storage/Part.ts"
import { checkSpace, dropPart, stateOf } from "../../storage/Part.ts"
import type { Answer } from "./request.ts"
import { request, retryAfterOf } from "./request.ts"
import type { OnBytes } from "./Transfer.ts"

/** What a server's headers say of a file. */
export interface Published {
  readonly hash?: Hash | undefined
  /** Bytes. */
  readonly size?: number | undefined
}

/** The file to fetch. */
export interface Wanted {
  readonly url: string
  readonly token?: Redacted.Redacted | undefined
  /** Hash and length of the file, from its server's headers. */
  readonly published: (answer: Answer) => Published
}

/**
 * The error of a status that brings no file. Only the first server can say that there is no file; the others were named
 * by it.
 */
const refusal = (url: string, { isElsewhere, response }: Answer): DownloadError => {
  const { headers, status } = response
  const retryAfter = retryAfterOf(headers)
  const wait = retryAfter === undefined ? "" : ` and asks to wait ${retryAfter / 1000} s`
  const detail = isElsewhere
    ? `the server that it redirects to answered ${status}${wait}`
    : [404, 410].includes(status)
      ? `it is not there (status ${status})`
      : `the server answered ${status}${wait}`
  const reason = isElsewhere
    ? "unreachable"
    : [401, 403].includes(status)
      ? "notPermitted"
      : [404, 410].includes(status)
        ? "notFound"
        : "unreachable"
  return new DownloadError({ reason, url, status, detail, ...(retryAfter !== undefined && { retryAfter }) })
}

/** Where a partial answer begins, and the whole length where a 416 states it. Source: RFC 9110, 14.4. */
const rangeOf = (headers: Headers) => {
  const found = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "")
  return { from: Number(found?.[1]), length: Number(found?.[2]) }
}

/** Encodings that fetch unpacks by itself. Source: Fetch standard, "handle content codings". */
const unpacked: ReadonlySet<string> = new Set(["gzip", "x-gzip", "deflate", "br"])

/** The content encoding of an answer, which was asked to have none; nothing where it has none. */
const packingOf = (headers: Headers): string | undefined => {
  const packing = (headers.get("content-encoding") ?? "").trim().toLowerCase()
  return packing === "" || packing === "identity" ? undefined : packing
}

/**
 * One try to fetch a file: the rest of it after what its part has, or all of it where the server does not go on or the
 * file is another one by now. Resolves with what was published; rejects where the server is silent for `patience` (ms).
 */
export const attempt = async (
  { published, token, url }: Wanted,
  part: Part,
  patience: number,
  onBytes: OnBytes,
  signal: AbortSignal
): Promise<Published> => {
  const { have, tag } = await stateOf(part)
  const resumes = have > 0 && tag !== undefined
  const timer = new AbortController()
  const giveUp = () => timer.abort(new Error(`the server sent nothing for ${patience / 1000} s`))
  let clock = setTimeout(giveUp, patience)
  try {
    const answer = await request(
      url,
      // The file's bytes as they are: a server that compresses them reports another length.
      { "accept-encoding": "identity", ...(resumes ? { range: `bytes=${have}-`, "if-range": tag } : {}) },
      token,
      AbortSignal.any([signal, timer.signal])
    )
    const { body, headers, ok, status } = answer.response
    // The part was complete already: only the check is left.
    if (status === 416 && resumes && [have, Number.NaN].some((length) => Object.is(length, rangeOf(headers).length)))
      return published(answer)
    if (status === 416) {
      await dropPart(part)
      throw new Error("the part is longer than the file: it is fetched anew")
    }
    if (!ok || body === null) throw refusal(url, answer)
    const packing = packingOf(headers)
    if (packing !== undefined && !unpacked.has(packing))
      throw new Error(`the server compresses the file (${packing}), which was not asked for and cannot be unpacked`)
    const goesOn = status === 206
    if (goesOn && packing !== undefined) {
      await dropPart(part)
      throw new Error("the server resumed within a compressed file: it is fetched anew")
    }
    const { from } = rangeOf(headers)
    if (goesOn && !Number.isNaN(from) && from !== have) {
      await dropPart(part)
      throw new Error("the server resumed from another place: it is fetched anew")
    }
    const start = goesOn ? have : 0
    // Where fetch unpacks the answer, the server's length and version are those of the compressed bytes.
    const length = packing === undefined ? headers.get("content-length") : null
    const total = length === null ? undefined : start + Number(length)
    if (total !== undefined) await checkSpace(part, total - start)
    // A tag must never lie beside bytes of another version: a download that is stopped here would join the two.
    await rm(part.tagFile, { force: true })
    const handle = await open(part.path, goesOn ? "a" : "w")
    try {
      const etag = packing === undefined ? headers.get("etag") : null
      if (etag !== null) await writeFile(part.tagFile, etag)
      let done = start
      onBytes(done, total)
      for await (const chunk of body) {
        clearTimeout(clock)
        clock = setTimeout(giveUp, patience)
        await handle.writeFile(chunk) // all of it: `write` may stop in the middle where the disk is full
        done += chunk.length
        onBytes(done, total)
      }
      if (total !== undefined && done !== total) throw new Error(`the connection ended after ${done} of ${total} bytes`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    return published(answer)
  } finally {
    clearTimeout(clock)
  }
}
