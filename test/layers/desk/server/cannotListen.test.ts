import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { createServer } from "node:http"
import { cannotListen } from "../../../../src/layers/desk/server/cannotListen.ts"

const listening = (host: string, port: number) => NodeHttpServer.layer(() => createServer(), { host, port })

/** What is printed where a server cannot listen. */
const refused = (host: string, port: number) =>
  Layer.build(listening(host, port)).pipe(
    Effect.flip,
    Effect.map((error) => cannotListen({ host, port }, error)),
    Effect.scoped
  )

describe("a host and a port at which nobody can listen", () => {
  it.live("a port at which another program listens: says so, and what to do", () =>
    Effect.gen(function* () {
      const { address } = yield* HttpServer.HttpServer
      assert.isTrue("port" in address)
      const port = "port" in address ? address.port : 0
      const error = yield* refused("127.0.0.1", port)
      assert.strictEqual(error.where, `--port ${port}`)
      assert.match(error.message, /another program listens there already.*0 for a free one/)
    }).pipe(Effect.provide(listening("127.0.0.1", 0)))
  )

  it.live("an address of another machine, and a name that there is not", () =>
    Effect.gen(function* () {
      // Source: RFC 5737: no machine has an address of this range.
      const other = yield* refused("192.0.2.1", 0)
      assert.strictEqual(other.where, "--host 192.0.2.1")
      assert.match(other.message, /this machine has no such address; 0\.0\.0\.0 stands for all/)
      // Source: RFC 6761: no name ends in .invalid. Where no server can be asked, it cannot be looked up.
      const nobody = yield* refused("desk.invalid", 0)
      assert.strictEqual(nobody.where, "--host desk.invalid")
      assert.match(nobody.message, /there is no such name|cannot be looked up/)
    })
  )
})
