import { Effect } from "effect"
import { basename } from "node:path"
import type { Answer } from "../../download/request.ts"
import type { DownloadError } from "../../download/DownloadError.ts"
import { download } from "../../download/download.ts"
import { backendError, BackendError } from "./BackendError.ts"

/** Google's storage says an object's MD5 with it. */
const published = ({ response }: Answer) => {
  const base64 = /(?:^|,\s*)md5=([A-Za-z0-9+/=]+)/.exec(response.headers.get("x-goog-hash") ?? "")?.[1]
  if (base64 === undefined) return {}
  return { hash: { algorithm: "md5", hex: Buffer.from(base64, "base64").toString("hex") } } as const
}

const cures = {
  notPermitted: ["notFound", "Check the address, or name another source with --from."],
  notFound: ["notFound", "Check the address, or name another source with --from."],
  unreachable: ["unreachable", "Run the command again when the server can be reached: it goes on where it stopped."],
  damaged: ["damaged", "It was thrown away; run the command again."],
  otherFile: ["damaged", "It was thrown away; check the address."],
  notWritable: ["failed", "Change the folder's permissions, or name another one in WEFT_BACKEND."]
} as const

const explained = ({ detail, message, reason, url }: DownloadError): BackendError => {
  if (reason === "diskFull") return backendError(url, Object.assign(new Error(detail), { code: "ENOSPC" }))
  const [ours, cure] = cures[reason]
  return new BackendError({ reason: ours, detail: message, cure })
}

/** Fetches a file to `path`; checked against `sha256` where given, else against what its server publishes. */
export const fetchFile = (url: string, path: string, sha256: string | undefined) =>
  download({
    url,
    path,
    name: basename(path),
    published,
    hash: sha256 === undefined ? undefined : { algorithm: "sha256", hex: sha256.toLowerCase() }
  }).pipe(Effect.mapError(explained))
