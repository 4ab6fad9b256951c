/** Who asks, and who may. */
import { Context } from "effect"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"
import type { Operator } from "../../../run/serve/Operator.ts"
import { Forbidden, InvalidRequest, NotReady, Unauthorized } from "./refusals.ts"

/** Who sent the request. */
export class CurrentOperator extends Context.Service<CurrentOperator, Operator>()(
  "weft/layers/desk/api/CurrentOperator"
) {}

/** The name of the session's cookie, and of the header that must accompany it. */
export const sessionCookie = "weft_desk"
export const csrfHeader = "x-csrf-token"

/**
 * Lets in who has a token or a session, and gives the endpoints their operator.
 *
 * @effect-expect-leaking HttpServerRequest | ParsedSearchParams | RouteContext
 */
export class Authorization extends HttpApiMiddleware.Service<Authorization, { provides: CurrentOperator }>()(
  "weft/layers/desk/api/Authorization",
  {
    requiredForClient: true,
    security: {
      bearer: HttpApiSecurity.bearer,
      cookie: HttpApiSecurity.apiKey({ key: sessionCookie, in: "cookie" })
    },
    error: [Unauthorized, Forbidden]
  }
) {}

/** Lets only admins in. */
export class AdminOnly extends HttpApiMiddleware.Service<AdminOnly, { requires: CurrentOperator }>()(
  "weft/layers/desk/api/AdminOnly",
  { error: Forbidden }
) {}

/** Answers a request that its schema refuses with an InvalidRequest, and a database that fails with NotReady. */
export class Requests extends HttpApiMiddleware.Service<Requests>()("weft/layers/desk/api/Requests", {
  error: [InvalidRequest, NotReady]
}) {}
