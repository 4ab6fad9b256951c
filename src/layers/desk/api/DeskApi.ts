/**
 * The desk over HTTP, as types: every endpoint with its schemas, errors and status codes. `/openapi.json`, the reference
 * page at `/docs`, the server and the typed client follow from it.
 *
 * Under `/v1` a request is somebody's: a bearer token, or the cookie of `POST /v1/session`. With the cookie, each request
 * that changes something must also send the session's CSRF token in `x-csrf-token`. On the loopback address without tokens
 * everybody is one admin, named by the configuration.
 *
 * Not in here, as it is no API: `GET /` and the page's files, `/openapi.json`, `/docs`.
 */
import { HttpApi, OpenApi } from "effect/http-api"
import { admin, system } from "./admin.ts"
import { desk, session } from "./desk.ts"
import { inbox, predict } from "./images.ts"
import { audit, grid, queue } from "./tagging.ts"

/** The whole API. */
export class DeskApi extends HttpApi.make("desk")
  .add(predict, inbox, session, desk, queue, grid, audit, admin, system)
  .annotateMerge(
    OpenApi.annotations({
      title: "Weft's tagging desk",
      description: "Suggestions, a queue with leases, answers with versions, an audit log, retraining and promotion."
    })
  ) {}
