import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Duration, Effect, Layer, Ref } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { createServer } from "node:http"
import { DeskApi } from "../api/DeskApi.ts"
import { guard } from "./guard.ts"
import { cannotListen } from "./cannotListen.ts"
import { admin } from "./handlers/admin.ts"
import { deskFacts } from "./handlers/desk.ts"
import { inbox } from "./handlers/inbox.ts"
import { predict } from "./handlers/predict.ts"
import { audit, grid, queue } from "./handlers/queue.ts"
import { session } from "./handlers/session.ts"
import { Draining, system } from "./handlers/system.ts"
import { adminOnly, authorization, requests } from "./middlewares.ts"
import * as pages from "./pages.ts"
import * as Sessions from "./Sessions.ts"
import type { ServerSettings } from "./settings.ts"

/** Node's own limits on clients: who sends a request or takes an answer too slowly is cut off, and holds up nobody. */
const nodeServer = ({ connections, headSeconds, idleSeconds, requestSeconds }: ServerSettings["limits"]) => {
  const server = createServer({
    headersTimeout: headSeconds * 1000,
    requestTimeout: requestSeconds * 1000,
    keepAliveTimeout: 5000,
    connectionsCheckingInterval: Math.min(1000, headSeconds * 250),
    noDelay: true
  })
  server.maxConnections = connections
  server.setTimeout(idleSeconds * 1000)
  return server
}

const routes = (settings: ServerSettings) =>
  Layer.mergeAll(HttpApiBuilder.layer(DeskApi, { openapiPath: "/openapi.json" }), pages.layer).pipe(
    Layer.provide([
      predict(settings),
      inbox(settings),
      session(settings),
      deskFacts(settings),
      queue,
      grid,
      audit,
      admin,
      system
    ]),
    Layer.provide([authorization, adminOnly, requests]),
    Layer.provide(Sessions.layer(settings))
  )

/**
 * The desk's server, until its Scope closes: it then says that it is not ready, takes no further connection, and waits for
 * the requests in flight, at most `drainSeconds`. Succeeds with its address when it listens, and fails with a ConfigError
 * that says what is wrong with host or port where it cannot.
 */
export const serve = Effect.fn("Server.serve")(function* (settings: ServerSettings) {
  const { drainSeconds, limits } = { ...settings.limits, limits: settings.limits }
  const context = yield* Layer.build(
    Layer.mergeAll(
      NodeHttpServer.layer(() => nodeServer(limits), {
        host: settings.host,
        port: settings.port,
        gracefulShutdownTimeout: Duration.seconds(drainSeconds)
      }),
      Draining.layer
    )
  ).pipe(Effect.catchTag("ServeError", (error) => Effect.fail(cannotListen(settings, error))))
  return yield* Effect.gen(function* () {
    const draining = yield* Draining
    const app = yield* HttpRouter.toHttpEffect(routes(settings))
    yield* HttpServer.serveEffect(guard(settings, draining)(app))
    yield* Effect.addFinalizer(() => Ref.set(draining, true))
    const { address } = yield* HttpServer.HttpServer
    return address
  }).pipe(Effect.provide(context))
})
