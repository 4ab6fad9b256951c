import { Schema } from "effect"
import { systemFault } from "../../storage/systemFault.ts"

/**
 * A file cannot be fetched.
 *
 * `notPermitted` (status 401 or 403), `notFound` (404 or 410), `unreachable` (all else that a server or a network can
 * do, after several tries), `damaged` (not the published bytes; they were thrown away), `otherFile` (another kind of
 * file than expected, thrown away too), `diskFull`, `notWritable`.
 */
export class DownloadError extends Schema.TaggedError<DownloadError>()("DownloadError", {
  reason: Schema.Literals([
    "notPermitted",
    "notFound",
    "unreachable",
    "damaged",
    "otherFile",
    "diskFull",
    "notWritable"
  ]),
  /** The address that was asked for: the one that it redirects to may contain a signature. */
  url: Schema.String,
  detail: Schema.String,
  status: Schema.optionalKey(Schema.Finite),
  /** Milliseconds that the server asks to wait before the next try. */
  retryAfter: Schema.optionalKey(Schema.Finite)
}) {
  override get message() {
    return `${this.url}: ${this.detail}`
  }
}

/** The code of an error of the system; empty of any other. */
export const codeOf = (cause: unknown): string => (cause instanceof Error && "code" in cause ? String(cause.code) : "")

/** An exception of a fetch, in words. fetch's own message says only that it failed; the reason is in its cause. */
export const fetchMessage = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause instanceof Error ? `${cause.message}: ${cause.cause.message}` : cause.message
}

/** An exception of a fetch as a DownloadError; a DownloadError is returned as it is. */
export const downloadError = (url: string, cause: unknown): DownloadError => {
  if (cause instanceof DownloadError) return cause
  if (["ENOSPC", "EDQUOT", "EFBIG"].includes(codeOf(cause)))
    return new DownloadError({ reason: "diskFull", url, detail: "the disk is full" })
  if (["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST"].includes(codeOf(cause)))
    return new DownloadError({ reason: "notWritable", url, detail: systemFault(cause).detail })
  return new DownloadError({ reason: "unreachable", url, detail: fetchMessage(cause) })
}
