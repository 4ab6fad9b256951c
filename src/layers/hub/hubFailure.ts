import { WeightsError } from "../../model/Pretrained.ts"
import type { FileError } from "../storage/atomicWrite.ts"
import type { DownloadError } from "./download/DownloadError.ts"
import type { HubName } from "./HubName.ts"
import { isWeights } from "./HubName.ts"
import type { HubSettings } from "./HubSettings.ts"

/** The file that an error of the hub is about. */
export interface Asked {
  readonly source: string
  readonly hub: HubName
  readonly settings: HubSettings
  /** Where the file is fetched from, and where it is to lie. */
  readonly url: string
  readonly path: string
}

const byHand = ({ hub, path, url }: Asked) => {
  const otherwise = ', or name a file of yours: network.weights = "FOLDER/model.safetensors"'
  return `fetch ${url} elsewhere and put it at ${path}${isWeights(hub.file) ? otherwise : ""}`
}

/** The file has not been fetched yet, and nothing may be. */
export const offlineError = (asked: Asked): WeightsError =>
  new WeightsError({
    source: asked.source,
    reason: "offline",
    detail: `${asked.hub.file} has not been fetched yet, and HF_HUB_OFFLINE is set. Unset it; or ${byHand(asked)}`
  })

/** Why a hub's file cannot be had, and what to do. */
export const hubFailure = (asked: Asked, error: DownloadError | FileError): WeightsError => {
  const { hub, settings, source, url } = asked
  const { name, owner, revision } = hub
  const page = `${settings.endpoint}/${owner}/${name}`
  const fail = (reason: WeightsError["reason"], detail: string) => new WeightsError({ source, reason, detail })
  const inCache = "make room, or name another folder in WEFT_CACHE"
  if (error._tag === "FileError")
    return error.reason === "diskFull" ? fail("diskFull", `${error.message}`) : fail("failed", `${error.message}`)
  switch (error.reason) {
    case "notPermitted": {
      if (error.status === 403)
        return fail(
          "notPermitted",
          `${url} may not be read (status 403). Agree to its terms at ${page}, and set HF_TOKEN to a token that may read it`
        )
      return fail(
        "notPermitted",
        settings.token === undefined
          ? `${url}: the hub has no such repository, or shows it to some only (status 401). Check the name at ${page}; for a private one set HF_TOKEN`
          : `${url}: the token in HF_TOKEN is not accepted (status 401). Make a new one at ${settings.endpoint}/settings/tokens, or unset HF_TOKEN`
      )
    }
    case "notFound":
      return fail(
        "missing",
        `${url} is not there (status ${error.status}). ${page}/tree/${revision} lists the repository's files; name another as hf:${owner}/${name}@REVISION/FILE.safetensors`
      )
    case "unreachable": {
      const busy = error.status === 429 ? " Wait a while, or set HF_TOKEN: more is allowed with one." : ""
      return fail(
        "unreachable",
        `${url} cannot be fetched (${error.detail}).${busy} The bytes so far are kept, and the next run goes on from there. Without a network, ${byHand(asked)}`
      )
    }
    case "damaged":
      return fail("damaged", `${url}: ${error.detail}. It was thrown away; run the command again`)
    case "otherFile":
      return fail("damaged", `${url}: ${error.detail}. It was not kept. If it happens again, ${byHand(asked)}`)
    case "diskFull":
      return fail("diskFull", `the disk of ${asked.path} is full; ${inCache}`)
    case "notWritable":
      return fail("failed", `${asked.path} cannot be written (${error.detail}); name another folder in WEFT_CACHE`)
  }
}
