import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Desk } from "../../../../run/serve/Desk.ts"
import { NotAtDesk } from "../../../../run/serve/DeskFaults.ts"
import { Promotions } from "../../../../run/serve/Promotions.ts"
import { CurrentOperator, sessionCookie } from "../../api/access.ts"
import { DeskApi } from "../../api/DeskApi.ts"
import { mostImages } from "../../api/bounds.ts"
import { answered } from "../faults.ts"
import { Sessions } from "../Sessions.ts"
import type { ServerSettings } from "../settings.ts"
import { cookieOptions, currentCookie } from "./session.ts"

/** What the page needs, and how far the desk is. */
export const deskFacts = (settings: ServerSettings) =>
  HttpApiBuilder.group(
    DeskApi,
    "desk",
    Effect.fnUntraced(function* (handlers) {
      const desk = yield* Desk
      const promotions = yield* Promotions
      const sessions = yield* Sessions
      const { columns, leaseSeconds } = desk.settings
      const { limits, version } = settings
      return handlers
        .handle(
          "facts",
          Effect.fnUntraced(function* () {
            const operator = yield* CurrentOperator
            const cookie = yield* currentCookie
            const session = cookie === undefined || sessions.isOpen ? undefined : yield* sessions.byCookie(cookie)
            return {
              operator,
              csrf: session?.csrf ?? null,
              columns,
              leaseSeconds,
              model: yield* answered(promotions.live),
              limits: { bodyBytes: limits.bodyBytes, pixels: limits.imagePixels, images: mostImages },
              version
            }
          })
        )
        .handle("logout", () =>
          Effect.orDie(
            HttpServerResponse.setCookie(HttpServerResponse.empty({ status: 204 }), sessionCookie, "", {
              ...cookieOptions(settings),
              maxAge: 0
            })
          )
        )
        .handle(
          "classes",
          Effect.fnUntraced(function* ({ query: { column } }) {
            if (column !== undefined && !columns.includes(column))
              return yield* new NotAtDesk({ what: "column", name: column })
            const classes = yield* answered(desk.classes)
            return column === undefined ? classes : classes.filter((one) => one.column === column)
          })
        )
        .handle("progress", () => answered(desk.progress))
        .handle("honesty", ({ query: { since } }) => answered(desk.honesty(since ?? null)))
    })
  )
