import { Effect } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** A request that a local server was sent. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly body: Buffer
  readonly headers: NodeJS.Dict<string | ReadonlyArray<string>>
}

/** A local HTTP server that keeps what it is sent and answers as it is told; gone with its Scope. */
export const collector = Effect.fnUntraced(function* (
  answer: (request: Received) => { readonly status?: number; readonly body?: object } | "never" = () => ({})
) {
  const received: Array<Received> = []
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      createServer((request, response) => {
        const parts: Array<Buffer> = []
        request.on("data", (part: Buffer) => parts.push(part))
        request.on("end", () => {
          const { headers, method = "", url = "" } = request
          const one = { method, path: url, body: Buffer.concat(parts), headers }
          received.push(one)
          const reply = answer(one)
          if (reply === "never") return
          response.writeHead(reply.status ?? 200, { "content-type": "application/json" })
          response.end(JSON.stringify(reply.body ?? {}))
        })
      })
    ),
    (server) =>
      Effect.callback<void>((resume) => {
        server.closeAllConnections()
        server.close(() => resume(Effect.void))
      })
  )
  yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
  const { port } = server.address() as AddressInfo // it listens on a port
  return { address: `http://127.0.0.1:${port}`, received }
})
