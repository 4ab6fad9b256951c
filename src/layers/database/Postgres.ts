import { Effect, Layer, Redacted, Schema } from "effect"
import * as Runtime from "effect/Runtime"
import { SqlClient, SqlError } from "effect/sql"
import { connect } from "node:net"
import type { ClusterUrl } from "./ClusterUrl.ts"
import { bringing, isMissing } from "../machine/optionalPackages.ts"
import { messageOf } from "../../pipeline/messageOf.ts"

/** The PostgreSQL of a cluster or a desk cannot be used: why, and what to do, without its password. */
export class ClusterUnavailable extends Schema.TaggedError<ClusterUnavailable>()("ClusterUnavailable", {
  /** The URL without its password. */
  cluster: Schema.String,
  detail: Schema.String,
  /** The package that speaks with it is not installed. */
  noDriver: Schema.optionalKey(Schema.Literal(true))
}) {
  /** 4 where a package is missing, as for an engine; else 1. */
  override get [Runtime.errorExitCode]() {
    return this.noDriver === true ? 4 : 1
  }
  override get message() {
    return `The database ${this.cluster} cannot be used: ${this.detail}`
  }
}

const advice: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there; start PostgreSQL, or correct host and port",
  ENOTFOUND: "there is no such host; correct the host",
  EAI_AGAIN: "the host's name cannot be looked up; correct the host, or try again later",
  ETIMEDOUT: "it does not answer; correct host and port, or open the firewall",
  EHOSTUNREACH: "there is no way to it from here; correct the host, or open the firewall"
}

/**
 * The address by which this machine reaches the cluster's PostgreSQL, and is reached from its network.
 *
 * Fails with ClusterUnavailable where it cannot be reached.
 */
export const ownAddress = Effect.fn("ownAddress")(function* ({ shown, url }: ClusterUrl) {
  const { hostname, port } = new URL(Redacted.value(url))
  return yield* Effect.callback<string, ClusterUnavailable>((resume) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 5432), timeout: 10_000 })
    const fail = (code: string, message: string) =>
      resume(Effect.fail(new ClusterUnavailable({ cluster: shown, detail: advice[code] ?? message })))
    socket.once("connect", () => {
      resume(Effect.succeed(socket.localAddress ?? "127.0.0.1"))
      socket.destroy()
    })
    socket.once("timeout", () => {
      fail("ETIMEDOUT", "it does not answer")
      socket.destroy()
    })
    socket.once("error", (error) => fail("code" in error ? String(error.code) : "", error.message))
    return Effect.sync(() => socket.destroy())
  })
})

/** The innermost reason that PostgreSQL or the driver gave. */
const reasonOf = (error: unknown): string => {
  let reason = error
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause
  return messageOf(reason)
}

/** An SQL error as a ClusterUnavailable. The URL's password is removed, wherever a driver may repeat it. */
const unavailable = ({ shown, url }: ClusterUrl, error: SqlError.SqlError): ClusterUnavailable => {
  const { password } = new URL(Redacted.value(url))
  const secrets = [Redacted.value(url), password, decodeURIComponent(password)].filter((secret) => secret !== "")
  const detail = secrets.reduce((text, secret) => text.replaceAll(secret, "<redacted>"), reasonOf(error))
  return new ClusterUnavailable({ cluster: shown, detail })
}

/** The same effect with an SQL error as a ClusterUnavailable. */
export const sayingWhich =
  (cluster: ClusterUrl) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.catchIf(
      effect,
      (error): error is Extract<E, SqlError.SqlError> => SqlError.isSqlError(error),
      (error) => Effect.fail(unavailable(cluster, error))
    )

/** The driver, which is an optional package. */
const loadDriver = ({ shown }: ClusterUrl) =>
  Effect.tryPromise({
    try: () => import("@effect/sql-pg"),
    catch: (cause) =>
      new ClusterUnavailable({
        cluster: shown,
        ...(isMissing(cause) && { noDriver: true as const }),
        detail: isMissing(cause)
          ? `the package for PostgreSQL is not installed; install it: ${bringing(["@effect/sql-pg"])}`
          : `the package for PostgreSQL does not load (${messageOf(cause)})`
      })
  })

/** An SQL client on the cluster's PostgreSQL. Fails with ClusterUnavailable where it cannot be opened. */
export const layer = (cluster: ClusterUrl): Layer.Layer<SqlClient.SqlClient, ClusterUnavailable> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { PgClient } = yield* loadDriver(cluster)
      yield* ownAddress(cluster) // gives a better reason than a driver
      return PgClient.layer({ url: cluster.url, applicationName: "weft", connectTimeout: "10 seconds" }).pipe(
        Layer.catch((error) => Layer.effect(SqlClient.SqlClient, Effect.fail(unavailable(cluster, error))))
      )
    })
  )
