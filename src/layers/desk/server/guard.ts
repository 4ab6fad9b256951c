import { ByteSize, Cause, Clock, Effect, Metric, Ref } from "effect"
import { HttpIncomingMessage, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { withDocsPolicy } from "./pages.ts"
import type { ServerSettings } from "./settings.ts"
import { isLoopback } from "./settings.ts"

/** What every answer carries: nothing is guessed at, embedded elsewhere or sent on. */
const always = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
}

/** Data run nothing and load nothing. */
const dataPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

const requestsCount = Metric.counter("weft_serve_requests", {
  description: "Requests by route and status",
  incremental: true
})
const requestSeconds = Metric.histogram("weft_serve_request_seconds", {
  description: "Seconds from a request's head to its answer, by route",
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
})

/** A request's route, for metrics: as many as there are endpoints, whatever is asked for. */
const routeOf = (url: string, status: number): string => {
  if (status === 404 || status === 400) return "other"
  const [path = "/"] = url.split("?")
  return path
    .replace(/\/[0-9a-f]{64}(?=\/|$)/, "/:digest")
    .replace(/^\/v1\/models\/(?!roll-back$)[^/]+\//, "/v1/models/:model/")
    .replace(/^\/assets\/.*/, "/assets")
}

const said = (status: number, _tag: string, body: Readonly<Record<string, unknown>>) =>
  HttpServerResponse.jsonUnsafe({ _tag, ...body }, { status })

/** The host that a request is meant for, without its port; undefined where its header is none. */
const hostOf = (header: string | undefined): string | undefined =>
  header === undefined ? undefined : URL.parse(`http://${header}`)?.hostname

const takesImages = /^\/v1\/(predict|images)(\?|$)/

/**
 * Why a request is refused before anybody looks at it.
 *
 * On a loopback address, a page of another site may have a name resolve to this server (DNS rebinding) and read it as its
 * own: only names of this machine are answered, and the public one. A browser says which site a request comes from; what
 * changes something has to come from the desk's own pages.
 */
const refusal = (
  { headers, method, url }: HttpServerRequest.HttpServerRequest,
  { host, limits, publicUrl }: Pick<ServerSettings, "host" | "limits" | "publicUrl">
) => {
  const meant = hostOf(headers["host"])
  const own = meant !== undefined && (isLoopback(meant) || meant === publicUrl?.hostname)
  if (isLoopback(host) && !own)
    return said(421, "Misdirected", {
      message: `This server answers for localhost${publicUrl === undefined ? "" : ` and ${publicUrl.hostname}`} alone; behind a proxy, name its address with --public-url`
    })
  if (method !== "GET" && method !== "HEAD") {
    const { origin } = headers
    const site = headers["sec-fetch-site"]
    // `Origin: null` comes from sandboxed frames and other places that are no page of ours.
    const isForeign =
      origin === undefined
        ? site !== undefined && site !== "same-origin" && site !== "none"
        : URL.parse(origin)?.host !== (publicUrl?.host ?? headers["host"]) &&
          URL.parse(origin)?.host !== headers["host"]
    if (isForeign)
      return said(403, "Forbidden", { reason: "origin", message: "The request comes from another site's page" })
  }
  const most = takesImages.test(url) ? limits.bodyBytes : limits.jsonBytes
  if (Number(headers["content-length"] ?? 0) > most)
    return said(413, "TooLarge", {
      of: "body",
      most,
      message: `The request has ${headers["content-length"]} bytes; ${most} are allowed`
    })
  return undefined
}

/** The error of the server itself that a cause has. */
const serverErrorOf = (cause: Cause.Cause<unknown>): HttpServerError.HttpServerError | undefined => {
  for (const reason of cause.reasons) {
    const error = reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined
    if (HttpServerError.isHttpServerError(error)) return error
  }
  return undefined
}

/** The answer to what no endpoint has answered. */
const answerTo = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>, most: number) {
  const error = serverErrorOf(cause)
  switch (error?.reason._tag) {
    case "RouteNotFound":
      return said(404, "NotFound", { message: "There is nothing at this address" })
    case "RequestParseError":
      return /maxBytes|too large|exceed/i.test(Cause.pretty(cause))
        ? said(413, "TooLarge", { of: "body", most, message: `The request has more than ${most} bytes` })
        : said(400, "InvalidRequest", { message: "The request cannot be read: it ended early, or is none" })
    default:
      yield* Effect.logError("A request failed", cause)
      return said(500, "InternalError", { message: "This is a fault of the server; its log has more" })
  }
})

/** Refuses what no endpoint should see, answers what none has answered, counts, and adds what every answer carries. */
export const guard =
  (settings: Pick<ServerSettings, "host" | "limits" | "publicUrl">, draining: Ref.Ref<boolean>) =>
  <E, R>(app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const begun = yield* Clock.currentTimeNanos
      const most = takesImages.test(request.url) ? settings.limits.bodyBytes : settings.limits.jsonBytes
      const answer =
        refusal(request, settings) ??
        (yield* app.pipe(
          Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(most)),
          Effect.catchCause((cause) =>
            Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause) : answerTo(cause, most)
          )
        ))
      const response = /^\/docs(\?|$)/.test(request.url) ? withDocsPolicy(answer) : answer
      const route = `${request.method} ${routeOf(request.url, response.status)}`
      yield* Metric.update(Metric.withAttributes(requestsCount, { route, status: String(response.status) }), 1)
      const seconds = Number((yield* Clock.currentTimeNanos) - begun) / 1e9
      yield* Metric.update(Metric.withAttributes(requestSeconds, { route }), seconds)
      const { headers } = response
      return HttpServerResponse.setHeaders(response, {
        ...always,
        ...(headers["content-security-policy"] === undefined && { "content-security-policy": dataPolicy }),
        ...(headers["cache-control"] === undefined && { "cache-control": "no-store" }),
        ...(settings.publicUrl?.protocol === "https:" && { "strict-transport-security": "max-age=31536000" }),
        // Clients that keep a connection open come back to another server, or not at all.
        ...((yield* Ref.get(draining)) && { connection: "close" })
      })
    })
