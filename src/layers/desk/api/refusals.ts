/** What the server refuses, each with its status; the desk's own errors have theirs here. */
import { Schema } from "effect"
import { HttpApiSchema } from "effect/http-api"
import { AnswerConflict, LeaseLost, NotAtDesk, NothingToUndo, WrongValue } from "../../../run/serve/DeskFaults.ts"
import { NotPromotable } from "../../../run/serve/Promotions.ts"

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

export const TooManyWithHeader = TooMany.pipe(
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

export const conflict = AnswerConflict.pipe(HttpApiSchema.status(409))
export const wrongValue = WrongValue.pipe(HttpApiSchema.status(422))
export const leaseLost = LeaseLost.pipe(HttpApiSchema.status(410))
export const notAtDesk = NotAtDesk.pipe(HttpApiSchema.status(404))
export const nothingToUndo = NothingToUndo.pipe(HttpApiSchema.status(404))
export const notPromotable = NotPromotable.pipe(HttpApiSchema.status(409))
