/** Images: predictions, the inbox, and what is known of them. */
import { Schema } from "effect"
import { Multipart } from "effect/http"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Column, Label, Ranked, Unit } from "../../../run/serve/ColumnValue.ts"
import { Digest, Item, ItemState, Name } from "../../../run/serve/Item.ts"
import { Authorization, Requests } from "./access.ts"
import { count } from "./bounds.ts"
import {
  DamagedImage,
  notAtDesk,
  NotFound,
  NotReady,
  TooLarge,
  TooManyWithHeader,
  UnsupportedImage
} from "./refusals.ts"

/** Media types of a body that is one image; what it is, its bytes say. Its name is the query's `name`. */
export const imageTypes: ReadonlyArray<string> = [
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/gif",
  "image/tiff",
  "image/avif",
  "application/octet-stream"
]

const imageBodies = imageTypes.map((contentType) => Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array({ contentType })))

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
      /**
       * Calibrated probabilities, the highest first. In a column with several values each class has a threshold of its
       * own.
       */
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

export const predict = HttpApiGroup.make("predict")
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

export const inbox = HttpApiGroup.make("inbox")
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
      /**
       * The nearest training photos of the two leading classes, the nearest first; empty until their features are
       * there.
       */
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
