import { Effect, Layer, Option, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiMiddleware } from "effect/http-api"
import { AdminOnly, Authorization, csrfHeader, CurrentOperator, Requests } from "../api/access.ts"
import { Forbidden, InvalidRequest, Unauthorized } from "../api/refusals.ts"
import { isSame, Sessions } from "./Sessions.ts"

/** Where a request comes from: the peer of the connection. */
export const addressOf = Effect.map(HttpServerRequest.HttpServerRequest, ({ remoteAddress }) =>
  Option.getOrElse(remoteAddress, () => "")
)

const isChanging = (method: string) => method !== "GET" && method !== "HEAD"

const unauthorized = (message: string) => new Unauthorized({ message })

/** Lets in by a bearer token, or by a session's cookie with its CSRF token; everybody where no tokens are needed. */
export const authorization = Layer.effect(
  Authorization,
  Effect.map(Sessions, (sessions) => ({
    bearer: Effect.fnUntraced(function* (work, { credential }) {
      if (sessions.isOpen) return yield* Effect.provideService(work, CurrentOperator, sessions.nobody)
      const token = Redacted.value(credential)
      const operator = token === "" ? undefined : sessions.byToken(token)
      if (operator !== undefined) return yield* Effect.provideService(work, CurrentOperator, operator)
      if (token !== "") yield* sessions.countWrong(yield* addressOf)
      return yield* unauthorized("Expected a token in the header Authorization (Bearer TOKEN), or a session")
    }),
    cookie: Effect.fnUntraced(function* (work, { credential }) {
      const cookie = Redacted.value(credential)
      const request = yield* HttpServerRequest.HttpServerRequest
      const { authorization } = request.headers
      if (authorization !== undefined) return yield* unauthorized("The token is not known")
      const session = cookie === "" ? undefined : yield* sessions.byCookie(cookie)
      if (session === undefined)
        return yield* unauthorized(
          cookie === "" ? "Expected a token or a session" : "The session is over: sign in again"
        )
      if (isChanging(request.method) && !isSame(request.headers[csrfHeader] ?? "", session.csrf))
        return yield* new Forbidden({
          reason: "csrf",
          message: `Expected the session's CSRF token in the header ${csrfHeader}`
        })
      return yield* Effect.provideService(work, CurrentOperator, session.operator)
    })
  }))
)

export const adminOnly = Layer.succeed(
  AdminOnly,
  Effect.fnUntraced(function* (work) {
    const { name, role } = yield* CurrentOperator
    if (role === "admin") return yield* work
    return yield* new Forbidden({ reason: "role", message: `This is for admins, and ${name} is an operator` })
  })
)

/** Most characters of a message about a request: it repeats what the request has. */
const longest = 500

const shortened = (text: string) => (text.length > longest ? `${text.slice(0, longest)}…` : text)

export const requests = HttpApiMiddleware.layerSchemaErrorTransform(Requests, (error) =>
  error.kind === "Body" || error.kind === "ResponseHeaders"
    ? Effect.fail(error)
    : Effect.fail(new InvalidRequest({ message: shortened(`${error.kind}: ${error.cause.message}`) }))
)
