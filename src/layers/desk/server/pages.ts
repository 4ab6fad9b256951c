import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiScalar } from "effect/http-api"
import { createHash } from "node:crypto"
import { deskPage } from "../page/page.ts"
import { DeskApi } from "../api/DeskApi.ts"

/** The page runs its own files alone, and talks to this server alone. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'"
].join("; ")

const digest = (text: string | Uint8Array) => createHash("sha256").update(text).digest("base64")

/** The page's files, each by its own address; nothing else is read, so that no address leads anywhere else. */
const files = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    for (const [path, { bytes, type }] of deskPage.files) {
      const etag = `"${digest(bytes)}"`
      const headers = { etag, "cache-control": "no-cache", "content-security-policy": pagePolicy }
      const whole = HttpServerResponse.uint8Array(bytes, { contentType: type, headers })
      const same = HttpServerResponse.empty({ status: 304, headers })
      yield* router.add(
        "GET",
        // A file's path begins with a slash.
        path as `/${string}`,
        Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
          request.headers["if-none-match"] === etag ? same : whole
        )
      )
    }
  })
)

/** The reference page with its policy: its scripts by their digests. */
const docsPolicy = (html: string): string => {
  const scripts = Array.from(
    html.matchAll(/<script>([\s\S]*?)<\/script>/g),
    ([, text = ""]) => `'sha256-${digest(text)}'`
  )
  return [
    "default-src 'none'",
    `script-src ${scripts.join(" ")}`,
    "style-src 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; ")
}

/**
 * The reference page, at `/docs`: Scalar's own script is in it, allowed by its digest, and loads nothing from elsewhere. It
 * has 3 MB, and is made when it is first asked for.
 */
const docs = HttpApiScalar.layer(DeskApi, { path: "/docs", scalar: { withDefaultFonts: false } })

export const layer = Layer.mergeAll(files, docs)

/** Adds the reference page's own policy. */
export const withDocsPolicy = (response: HttpServerResponse.HttpServerResponse) =>
  response.body._tag === "Uint8Array" && response.headers["content-security-policy"] === undefined
    ? HttpServerResponse.setHeader(
        response,
        "content-security-policy",
        docsPolicy(new TextDecoder().decode(response.body.body))
      )
    : response
