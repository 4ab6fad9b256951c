import { Effect, Redacted } from "effect"
import { ConfigError } from "../../config/RunConfig.ts"

/** A PostgreSQL's address: its text may hold a password and is never shown; `shown` is for people. */
export interface ClusterUrl {
  readonly url: Redacted.Redacted
  /** `postgres://user@host:5432/database`: no password, and none of the parameters, which may hold one. */
  readonly shown: string
}

const schemes = ["postgres:", "postgresql:"]

/** Checks a cluster's URL. An error does not repeat the URL. */
export const clusterUrl = Effect.fnUntraced(function* (text: Redacted.Redacted, where: string) {
  const url = URL.parse(Redacted.value(text))
  if (url === null || !schemes.includes(url.protocol) || url.hostname === "")
    return yield* new ConfigError({
      where,
      problems: [
        "expected a PostgreSQL's URL, such as postgres://user:password@host:5432/database (yours is not shown)"
      ]
    })
  const user = url.username === "" ? "" : `${url.username}@`
  const shown = `postgres://${user}${url.hostname}:${url.port || "5432"}${url.pathname}`
  return { url: text, shown } satisfies ClusterUrl
})
