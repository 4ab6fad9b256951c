import { Effect } from "effect"
import { existsSync, statSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer } from "node:http"

/** A request's answer. */
export type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void

/** A server on this machine that answers the first request with `count` 0; gone with its Scope. Gives its address. */
export const serve = (answer: Answer) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly address: string; readonly close: () => void }>((resume) => {
      let count = 0
      const server = createServer((request, response) => answer(request, response, count++))
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        const close = () => {
          server.closeAllConnections()
          server.close()
        }
        resume(Effect.succeed({ address: `http://127.0.0.1:${port}`, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  ).pipe(Effect.map(({ address }) => address))

/**
 * Answers with bytes, as a server does that can go on from anywhere (`Range`); `upTo` cuts the connection there, once
 * `part` has come so far: what is on its way is lost when a connection breaks.
 */
export const send = (
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  {
    etag = '"one"',
    headers = {},
    part,
    upTo
  }: { etag?: string; headers?: Record<string, string>; upTo?: number; part?: string } = {}
) => {
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")
  const isSame = (request.headers["if-range"] ?? etag) === etag
  const from = range !== null && isSame ? Number(range[1]) : 0
  if (from > 0 && from >= bytes.length) return void response.writeHead(416).end()
  response.writeHead(from > 0 ? 206 : 200, {
    "content-length": bytes.length - from,
    etag,
    ...(from > 0 && { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    ...headers
  })
  if (upTo === undefined) return void response.end(bytes.subarray(from))
  response.write(bytes.subarray(from, upTo))
  const timer = setInterval(() => {
    if (part !== undefined && (!existsSync(part) || statSync(part).size < upTo)) return
    clearInterval(timer)
    response.destroy()
  }, 20)
  response.on("close", () => clearInterval(timer))
}
