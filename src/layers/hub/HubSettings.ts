import { Config, Effect, Redacted } from "effect"
import { WeightsError } from "../../model/Pretrained.ts"
import { cacheFolder } from "../storage/cacheFolder.ts"

/** Where trained weights are fetched from and kept; read from the environment. */
export interface HubSettings {
  /** Address of the hub: HF_ENDPOINT. */
  readonly endpoint: string
  /** HF_TOKEN. */
  readonly token: Redacted.Redacted | undefined
  /** Folder for what was fetched; see `cacheFolder`. */
  readonly cache: string
  /** HF_HUB_OFFLINE: nothing is fetched. */
  readonly isOffline: boolean
}

/** An empty variable counts as unset. */
const variable = (name: string) => Config.String(name).pipe(Config.withDefault(""))

const all = Config.all({
  endpoint: variable("HF_ENDPOINT"),
  token: Config.Redacted("HF_TOKEN").pipe(Config.withDefault(Redacted.make(""))),
  weft: variable("WEFT_CACHE"),
  xdg: variable("XDG_CACHE_HOME"),
  offline: variable("HF_HUB_OFFLINE")
})

const isAddress = (text: string): boolean => {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === ""
}

/** The settings, for weights of a source. The variables are those of Hugging Face's own library. */
export const hubSettings = Effect.fnUntraced(function* (source: string) {
  const { endpoint, offline, token, weft, xdg } = yield* Effect.orDie(all) // texts that may be missing cannot fail
  const fault = (detail: string) => new WeightsError({ source, reason: "settings", detail })
  const address = (endpoint === "" ? "https://huggingface.co" : endpoint).replace(/\/+$/, "")
  if (!isAddress(address))
    return yield* fault("HF_ENDPOINT is not the address of a hub: expected https://HOST, without a name or password")
  const secret = Redacted.value(token).trim()
  // fetch would print the token in its error.
  if (!/^[\x21-\x7e]*$/.test(secret))
    return yield* fault(
      "HF_TOKEN is not a token: it has spaces or characters that no token has. Copy it again, or unset it"
    )
  return {
    endpoint: address,
    token: secret === "" ? undefined : Redacted.make(secret),
    cache: cacheFolder({ WEFT_CACHE: weft, XDG_CACHE_HOME: xdg }),
    isOffline: /^(1|on|yes|true)$/i.test(offline)
  } satisfies HubSettings
})
