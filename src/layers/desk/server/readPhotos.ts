import { Effect, Stream } from "effect"
import { HttpServerRequest } from "effect/http"
import type { Multipart } from "effect/http"
import type { Photo } from "../../../run/serve/Classifier.ts"
import { InvalidRequest, TooLarge, UnsupportedImage } from "../api/refusals.ts"
import { mostImages } from "../api/bounds.ts"
import { imageTypes } from "../api/images.ts"
import type { ServerLimits } from "./settings.ts"

const megabytes = (bytes: number) => `${Math.round((bytes / 2 ** 20) * 10) / 10} MiB`

const tooLarge = (of: "body" | "file", most: number) =>
  new TooLarge({
    of,
    most,
    message: `The ${of === "body" ? "request" : "image"} has more than ${megabytes(most)} (${most} bytes)`
  })

const tooMany = new TooLarge({
  of: "images",
  most: mostImages,
  message: `At most ${mostImages} images are taken at once; send the others in further requests`
})

/** Bytes that come one after the other, at most so many. */
const collect = <E, R>(
  bytes: Stream.Stream<Uint8Array, E, R>,
  most: number,
  fail: () => TooLarge,
  count: (bytes: number) => Effect.Effect<void, TooLarge>
) =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let length = 0
    return Stream.runForEachArray(
      bytes,
      Effect.fnUntraced(function* (some) {
        for (const chunk of some) {
          length += chunk.length
          if (length > most) return yield* fail()
          yield* count(chunk.length)
          chunks.push(chunk)
        }
      })
    ).pipe(
      Effect.map(() => {
        const [only] = chunks
        if (chunks.length === 1 && only !== undefined) return only
        const all = new Uint8Array(length)
        let at = 0
        for (const chunk of chunks) {
          all.set(chunk, at)
          at += chunk.length
        }
        return all
      })
    )
  })

/** What no name may have: control characters, and halves of characters. */
const unfit = /[\p{Cc}\p{Cs}]/gu

/** A file's name as a client gives it, for people alone: it is never a path here. */
export const shownName = (given: string): string => {
  const clean = given.replaceAll(unfit, "\u{FFFD}").trim()
  return clean === "" ? "image" : Array.from(clean).slice(0, 250).join("")
}

const whyBroken = (error: Multipart.MultipartError, limits: ServerLimits) => {
  switch (error.reason._tag) {
    case "FileTooLarge":
      return tooLarge("file", limits.imageBytes)
    case "BodyTooLarge":
      return tooLarge("body", limits.bodyBytes)
    case "TooManyParts":
      return tooMany
    default:
      return new InvalidRequest({ message: "The form cannot be read: it is no complete multipart/form-data" })
  }
}

const ofForm = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest, limits: ServerLimits) {
  const photos: Array<Photo> = []
  let total = 0
  const count = (bytes: number) =>
    Effect.suspend(() => {
      total += bytes
      return total > limits.bodyBytes ? Effect.fail(tooLarge("body", limits.bodyBytes)) : Effect.void
    })
  yield* request.multipartStream.pipe(
    Stream.runForEach(
      Effect.fnUntraced(function* (part) {
        if (part._tag === "Field")
          return yield* new InvalidRequest({
            message: `The form's field ${JSON.stringify(shownName(part.key))} is no file; expected images alone`
          })
        if (photos.length === mostImages) return yield* tooMany
        const most = () => tooLarge("file", limits.imageBytes)
        photos.push({
          name: shownName(part.name),
          bytes: yield* collect(part.content, limits.imageBytes, most, count)
        })
      })
    ),
    Effect.catchTag("MultipartError", (error) => Effect.fail(whyBroken(error, limits)))
  )
  if (photos.length === 0) return yield* new InvalidRequest({ message: "The form has no image" })
  return photos
})

/** The images that a request brings: a form's files, or the body. */
export const readPhotos = Effect.fnUntraced(function* (name: string | undefined, limits: ServerLimits) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? ""
  if (type === "multipart/form-data") {
    const photos = yield* ofForm(request, limits)
    const [only] = photos
    return name !== undefined && photos.length === 1 && only !== undefined ? [{ ...only, name }] : photos
  }
  if (!imageTypes.includes(type))
    return yield* new UnsupportedImage({
      message: `Expected an image (${imageTypes.slice(0, -1).join(", ")} or ${imageTypes.at(-1)}) or a form of images, got the Content-Type ${JSON.stringify(shownName(type))}`
    })
  const most = Math.min(limits.imageBytes, limits.bodyBytes)
  if (Number(request.headers["content-length"]) > most) return yield* tooLarge("file", most)
  const isLengthKnown = request.headers["content-length"] !== undefined
  // Of a known length Node takes no more bytes; a stream would take as long as all else of a small image's request.
  const bytes = yield* (
    isLengthKnown
      ? Effect.map(request.arrayBuffer, (body) => new Uint8Array(body))
      : collect(
          request.stream,
          most,
          () => tooLarge("file", most),
          () => Effect.void
        )
  ).pipe(
    Effect.catchTag("HttpServerError", () =>
      Effect.fail(new InvalidRequest({ message: "The request ended before its image did" }))
    )
  )
  if (bytes.length === 0) return yield* new InvalidRequest({ message: "Expected an image, got an empty body" })
  return [{ name: name ?? "image", bytes }]
})
