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
import { Context, Schema } from "effect"
import {
  HttpApi,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSchema,
  HttpApiSecurity,
  OpenApi
} from "effect/http-api"
import { Multipart } from "effect/http"
import { Column, Label, Ranked } from "../../../run/serve/ColumnValue.ts"
import {
  Acknowledged,
  AnswerConflict,
  Answering,
  AuditEntry,
  AuditList,
  DeskClass,
  Digest,
  Honesty,
  Instant,
  Item,
  ItemState,
  LeaseLost,
  LogEntry,
  Name,
  NotAtDesk,
  NothingToUndo,
  Operator,
  Order,
  Progress,
  Task,
  WrongValue
} from "../../../run/serve/Desk.ts"
import { ModelRecord, NotPromotable } from "../../../run/serve/Promotions.ts"
import { Retraining } from "../../../run/serve/Retraining.ts"

// Errors that only a server has

/** 400: the request is not what its schema asks for. */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()(
  "InvalidRequest",
  { message: Schema.String },
  { httpApiStatus: 400 }
) {}

/** 401: no token, or one that is not known. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()(
  "Unauthorized",
  { message: Schema.String },
  { httpApiStatus: 401 }
) {}

/** 403: the role does not allow it, the CSRF token is missing, or the request comes from another site. */
export class Forbidden extends Schema.TaggedError<Forbidden>()(
  "Forbidden",
  { reason: Schema.Literals(["role", "csrf", "origin"]), message: Schema.String },
  { httpApiStatus: 403 }
) {}

/** 404: there is no such image, thumbnail or list. */
export class NotFound extends Schema.TaggedError<NotFound>()(
  "NotFound",
  { message: Schema.String },
  { httpApiStatus: 404 }
) {}

/** 413: the body, an image's bytes or its pixels are above the limit. */
export class TooLarge extends Schema.TaggedError<TooLarge>()(
  "TooLarge",
  {
    of: Schema.Literals(["body", "file", "pixels", "images"]),
    most: Schema.Natural,
    message: Schema.String
  },
  { httpApiStatus: 413 }
) {}

/** 415: not a kind of image that can be read. */
export class UnsupportedImage extends Schema.TaggedError<UnsupportedImage>()(
  "UnsupportedImage",
  { message: Schema.String },
  { httpApiStatus: 415 }
) {}

/** 422: an image of a known kind that cannot be decoded. */
export class DamagedImage extends Schema.TaggedError<DamagedImage>()(
  "DamagedImage",
  { message: Schema.String },
  { httpApiStatus: 422 }
) {}

/** 429: too many requests wait, too many items (QueueFull), or too many wrong tokens. `Retry-After` has the seconds. */
export class TooMany extends Schema.TaggedError<TooMany>()("TooMany", {
  retryAfter: Schema.Natural,
  message: Schema.String
}) {}

/** 503: the database or the model is not there (yet), or the server is draining. */
export class NotReady extends Schema.TaggedError<NotReady>()(
  "NotReady",
  { message: Schema.String },
  { httpApiStatus: 503 }
) {}

const TooManyWithHeader = TooMany.pipe(
  HttpApiSchema.encodeToWithHeaders(
    {
      body: Schema.TaggedStruct("TooMany", { retryAfter: Schema.Natural, message: Schema.String }).pipe(
        HttpApiSchema.status(429)
      ),
      headers: { "retry-after": Schema.Natural }
    },
    {
      decode: ({ body: { message, retryAfter } }) => new TooMany({ message, retryAfter }),
      encode: ({ message, retryAfter }) => ({
        body: { _tag: "TooMany" as const, message, retryAfter },
        headers: { "retry-after": retryAfter }
      })
    }
  )
)

const conflict = AnswerConflict.pipe(HttpApiSchema.status(409))
const wrongValue = WrongValue.pipe(HttpApiSchema.status(422))
const leaseLost = LeaseLost.pipe(HttpApiSchema.status(410))
const notAtDesk = NotAtDesk.pipe(HttpApiSchema.status(404))
const nothingToUndo = NothingToUndo.pipe(HttpApiSchema.status(404))
const notPromotable = NotPromotable.pipe(HttpApiSchema.status(409))

// Who asks

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

// What is sent

const count = (most: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: most }))
const Unit = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/** Most images of one request. */
export const mostImages = 64
/** Most items that are leased at once, and that one key confirms. */
export const mostTasks = 200

/** One image as the body, of any of these types. Its name is the query's `name`. */
const imageBodies = [
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/gif",
  "image/tiff",
  "image/avif",
  "application/octet-stream"
].map((contentType) => Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array({ contentType })))

/**
 * One or many images: a body of bytes, or a form whose files are the images. A form's part may be named `images` or
 * anything else; other fields are refused.
 */
const images = [
  Schema.Struct({ images: Multipart.FilesSchema }).pipe(HttpApiSchema.asMultipartStream()),
  ...imageBodies
]

const imageErrors = [TooLarge, UnsupportedImage, DamagedImage, TooManyWithHeader, NotReady] as const

/** Why one of several images is refused; a request of a single image fails with the error's status instead. */
const Refused = Schema.TaggedStruct("Refused", {
  name: Name,
  reason: Schema.Literals(["tooLarge", "unsupported", "damaged"]),
  message: Schema.String
})

/** The model's answer for one image. */
export const Predicted = Schema.TaggedStruct("Predicted", {
  name: Name,
  digest: Digest,
  columns: Schema.Array(
    Schema.Struct({
      column: Column,
      /** Calibrated probabilities, the highest first. In a column with several values each class has a threshold of its own. */
      top: Schema.Array(Ranked),
      /** Of a column with several values: all classes that reach their thresholds. */
      labels: Schema.optionalKey(Schema.Array(Label)),
      /** Whether the first probability reaches the threshold, or any class its own; else the model abstains. */
      answers: Schema.Boolean
    })
  )
})

export const Predictions = Schema.Struct({
  model: Name,
  run: Name,
  threshold: Unit,
  images: Schema.Array(Schema.Union([Predicted, Refused]))
})

/** An image in the inbox. */
export const Arrived = Schema.TaggedStruct("Arrived", {
  name: Name,
  digest: Digest,
  /** False where it was there before. */
  isNew: Schema.Boolean,
  state: ItemState,
  suggestions: Item.fields.suggestions
})

const predict = HttpApiGroup.make("predict")
  .add(
    HttpApiEndpoint.post("predict", "/v1/predict", {
      query: {
        /** How many classes of each column. */
        top: Schema.optionalKey(count(100)),
        /** Abstain below this probability; the server's own where left out. */
        threshold: Schema.optionalKey(Unit),
        name: Schema.optionalKey(Name)
      },
      payload: images,
      success: Predictions,
      error: imageErrors
    }).annotateMerge(OpenApi.annotations({ title: "Classes of one or many images, most probable first" }))
  )
  .middleware(Authorization)
  .middleware(Requests)

const inbox = HttpApiGroup.make("inbox")
  .add(
    HttpApiEndpoint.post("upload", "/v1/images", {
      query: {
        name: Schema.optionalKey(Name),
        /** The catalogue's id of the row that this image belongs to (one image). */
        row: Schema.optionalKey(Name)
      },
      payload: images,
      success: Schema.Struct({ images: Schema.Array(Schema.Union([Arrived, Refused])) }),
      error: imageErrors
    }).annotateMerge(OpenApi.annotations({ title: "Images into the queue; the same bytes are the same item" })),
    HttpApiEndpoint.get("item", "/v1/items/:digest", {
      params: { digest: Digest },
      success: Item,
      error: [notAtDesk]
    }),
    HttpApiEndpoint.get("image", "/v1/images/:digest", {
      params: { digest: Digest },
      /** The image's own bytes, or a JPEG where a browser cannot show its kind. */
      success: HttpApiSchema.StreamUint8Array({
        contentType: ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"]
      }),
      error: [NotFound, DamagedImage]
    }),
    HttpApiEndpoint.get("thumbnail", "/v1/images/:digest/thumbnail", {
      params: { digest: Digest },
      query: { size: Schema.optionalKey(Schema.Literals(["96", "192", "384", "1024"])) },
      success: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array({ contentType: "image/jpeg" })),
      error: [NotFound, DamagedImage]
    }),
    HttpApiEndpoint.get("neighbours", "/v1/images/:digest/neighbours", {
      params: { digest: Digest },
      query: { column: Column, count: Schema.optionalKey(count(20)) },
      /** The nearest training photos of the two leading classes, the nearest first; empty until their features are there. */
      success: Schema.Array(
        Schema.Struct({
          label: Label,
          images: Schema.Array(Schema.Struct({ digest: Digest, name: Name, similarity: Schema.Finite }))
        })
      ),
      error: [notAtDesk]
    })
  )
  .middleware(Authorization)
  .middleware(Requests)

/** What the page needs before anything else. */
export const DeskFacts = Schema.Struct({
  operator: Operator,
  /** To be sent in `x-csrf-token`; null where no cookie is used. */
  csrf: Schema.NullOr(Schema.String),
  columns: Schema.NonEmptyArray(Column),
  leaseSeconds: Schema.Natural,
  /** The live model; null before the first. */
  model: Schema.NullOr(ModelRecord),
  limits: Schema.Struct({ bodyBytes: Schema.Natural, pixels: Schema.Natural, images: Schema.Natural }),
  version: Schema.String
})

const session = HttpApiGroup.make("session")
  .add(
    /** Sets the cookie: `HttpOnly`, `SameSite=Strict`, `Secure` behind TLS. 429 after many wrong tokens. */
    HttpApiEndpoint.post("login", "/v1/session", {
      payload: Schema.Struct({ token: Schema.String.check(Schema.isMaxLength(500)) }),
      success: Schema.Struct({ operator: Operator, csrf: Schema.String }),
      error: [Unauthorized, TooManyWithHeader]
    })
  )
  .middleware(Requests)

const desk = HttpApiGroup.make("desk")
  .add(
    HttpApiEndpoint.get("facts", "/v1/desk", { success: DeskFacts }),
    HttpApiEndpoint.delete("logout", "/v1/session", { success: HttpApiSchema.NoContent }),
    HttpApiEndpoint.get("classes", "/v1/classes", {
      query: { column: Schema.optionalKey(Column) },
      /** The most frequent first. */
      success: Schema.Array(DeskClass),
      error: [notAtDesk]
    }),
    HttpApiEndpoint.get("progress", "/v1/progress", { success: Progress }),
    HttpApiEndpoint.get("honesty", "/v1/honesty", {
      query: { since: Schema.optionalKey(Instant) },
      success: Schema.Array(Honesty)
    })
  )
  .middleware(Authorization)
  .middleware(Requests)

const Seconds = Answering.fields.seconds

const queue = HttpApiGroup.make("queue")
  .add(
    HttpApiEndpoint.post("next", "/v1/queue/next", {
      payload: Schema.Struct({ order: Order, count: count(mostTasks) }),
      /** Empty: nothing waits for this operator. */
      success: Schema.Array(Task)
    }),
    HttpApiEndpoint.post("answer", "/v1/queue/answer", {
      payload: Answering,
      success: Acknowledged,
      error: [conflict, leaseLost, notAtDesk, wrongValue]
    }),
    HttpApiEndpoint.post("skip", "/v1/queue/skip", {
      payload: Schema.Struct({ digest: Digest, version: Schema.Natural, seconds: Seconds }),
      success: Acknowledged,
      error: [conflict, leaseLost, notAtDesk]
    }),
    HttpApiEndpoint.post("undo", "/v1/queue/undo", {
      /** The tasks of the change that was taken back, leased again. */
      success: Schema.Array(Task),
      error: nothingToUndo
    }),
    HttpApiEndpoint.post("putBack", "/v1/queue/return", {
      payload: Schema.Struct({ digest: Digest, version: Schema.Natural }),
      success: Acknowledged,
      error: [conflict, leaseLost, notAtDesk]
    }),
    HttpApiEndpoint.post("askSecond", "/v1/queue/second-opinion", {
      payload: Schema.Struct({
        digests: Schema.NonEmptyArray(Digest).check(Schema.isMaxLength(mostTasks))
      }),
      success: Schema.Array(Acknowledged),
      error: notAtDesk
    }),
    HttpApiEndpoint.post("take", "/v1/queue/take", {
      payload: Schema.Struct({ digest: Digest }),
      success: Task,
      error: [leaseLost, notAtDesk]
    }),
    HttpApiEndpoint.post("renew", "/v1/queue/renew", {
      payload: Schema.Struct({ digests: Schema.Array(Digest).check(Schema.isMaxLength(mostTasks)) }),
      success: Schema.Array(Schema.Struct({ digest: Digest, until: Instant }))
    })
  )
  .middleware(Authorization)
  .middleware(Requests)

const grid = HttpApiGroup.make("grid")
  .add(
    HttpApiEndpoint.post("open", "/v1/grid/next", {
      payload: Schema.Struct({ column: Column, label: Label, count: count(mostTasks) }),
      success: Schema.Array(Task),
      error: notAtDesk
    }),
    HttpApiEndpoint.post("confirm", "/v1/grid/confirm", {
      payload: Schema.Struct({
        column: Column,
        label: Label,
        items: Schema.NonEmptyArray(Schema.Struct({ digest: Digest, version: Schema.Natural })).check(
          Schema.isMaxLength(mostTasks)
        ),
        seconds: Seconds
      }),
      success: Schema.Struct({
        confirmed: Schema.Array(Acknowledged),
        failed: Schema.Array(Schema.Union([AnswerConflict, LeaseLost, NotAtDesk]))
      }),
      error: notAtDesk
    })
  )
  .middleware(Authorization)
  .middleware(Requests)

const audit = HttpApiGroup.make("audit")
  .add(
    HttpApiEndpoint.get("list", "/v1/audit/:list", {
      params: { list: AuditList },
      query: { from: Schema.optionalKey(Schema.Natural), count: Schema.optionalKey(count(mostTasks)) },
      success: Schema.Array(AuditEntry)
    }),
    /** Operators see their own lines; admins all. */
    HttpApiEndpoint.get("log", "/v1/log", {
      query: {
        before: Schema.optionalKey(Schema.Natural),
        count: Schema.optionalKey(count(1000)),
        digest: Schema.optionalKey(Digest),
        operator: Schema.optionalKey(Name)
      },
      success: Schema.Array(LogEntry)
    })
  )
  .middleware(Authorization)
  .middleware(Requests)

const csvBody = HttpApiSchema.StreamUint8Array({ contentType: "text/csv; charset=utf-8" })

const admin = HttpApiGroup.make("admin")
  .add(
    /** The catalogue's file with the corrected cells; all other bytes as they are. 404: the run read no CSV. */
    HttpApiEndpoint.get("exportCsv", "/v1/export.csv", { success: csvBody, error: [NotFound] }),
    /** The corrected cells alone, for `data.corrections`. */
    HttpApiEndpoint.get("correctionsCsv", "/v1/corrections.csv", { success: csvBody }),
    HttpApiEndpoint.get("retraining", "/v1/retrain", { success: Retraining }),
    /** 202; one that goes on already stays, and is the reply. */
    HttpApiEndpoint.post("retrain", "/v1/retrain", { success: Retraining.pipe(HttpApiSchema.status(202)) }),
    HttpApiEndpoint.post("stopRetraining", "/v1/retrain/stop", { success: Retraining }),
    HttpApiEndpoint.get("models", "/v1/models", { success: Schema.Array(ModelRecord) }),
    HttpApiEndpoint.post("promote", "/v1/models/:model/promote", {
      params: { model: Name },
      /** `force`: although the gate held it back. */
      payload: Schema.Struct({ force: Schema.optionalKey(Schema.Boolean) }),
      success: ModelRecord,
      error: notPromotable
    }),
    HttpApiEndpoint.post("rollBack", "/v1/models/roll-back", { success: ModelRecord, error: notPromotable })
  )
  .middleware(AdminOnly)
  .middleware(Authorization)
  .middleware(Requests)

const system = HttpApiGroup.make("system", { topLevel: true }).add(
  /** The process runs. */
  HttpApiEndpoint.get("health", "/health", { success: Schema.Struct({ status: Schema.Literal("ok") }) }),
  /** A model is loaded and the database answers; 503 before, and while draining. */
  HttpApiEndpoint.get("ready", "/ready", {
    success: Schema.Struct({ status: Schema.Literal("ready") }),
    error: NotReady
  }),
  /** Prometheus' text format. */
  HttpApiEndpoint.get("metrics", "/metrics", {
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" }))
  })
)

/** The whole API. */
export class DeskApi extends HttpApi.make("desk")
  .add(predict, inbox, session, desk, queue, grid, audit, admin, system)
  .annotateMerge(
    OpenApi.annotations({
      title: "Weft's tagging desk",
      description: "Suggestions, a queue with leases, answers with versions, an audit log, retraining and promotion."
    })
  ) {}
