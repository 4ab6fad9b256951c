import { Effect } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { DeskApi } from "../../api/DeskApi.ts"
import { sessionCookie } from "../../api/access.ts"
import { TooMany, Unauthorized } from "../../api/refusals.ts"
import { addressOf } from "../middlewares.ts"
import { Sessions, sessionSeconds } from "../Sessions.ts"
import type { ServerSettings } from "../settings.ts"

/** How the session's cookie is kept: no script reads it, no other site sends it. */
export const cookieOptions = ({ publicUrl }: Pick<ServerSettings, "publicUrl">) => ({
  httpOnly: true,
  sameSite: "strict" as const,
  secure: publicUrl?.protocol === "https:",
  path: "/"
})

/** `POST /v1/session`. */
export const session = (settings: ServerSettings) =>
  HttpApiBuilder.group(
    DeskApi,
    "session",
    Effect.fnUntraced(function* (handlers) {
      const sessions = yield* Sessions
      return handlers.handle(
        "login",
        Effect.fnUntraced(function* ({ payload: { token } }) {
          if (sessions.isOpen)
            return yield* new Unauthorized({ message: "This desk has no tokens: there is nothing to sign in to" })
          const address = yield* addressOf
          const retryAfter = yield* sessions.waitOf(address)
          if (retryAfter > 0)
            return yield* new TooMany({ retryAfter, message: `Too many wrong tokens; wait ${retryAfter} seconds` })
          const begun = yield* sessions.begin(token)
          if (begun === undefined) {
            yield* sessions.countWrong(address)
            return yield* new Unauthorized({ message: "The token is not known" })
          }
          const { cookie, csrf, operator } = begun
          return yield* HttpServerResponse.json({ operator, csrf }).pipe(
            Effect.flatMap((response) =>
              HttpServerResponse.setCookie(response, sessionCookie, cookie, {
                ...cookieOptions(settings),
                maxAge: sessionSeconds * 1000
              })
            ),
            Effect.orDie
          )
        })
      )
    })
  )

/** The cookie that the current request has; undefined where it came with a token, or none is needed. */
export const currentCookie = Effect.map(HttpServerRequest.HttpServerRequest, ({ cookies, headers }) =>
  headers["authorization"] === undefined ? cookies[sessionCookie] : undefined
)
