import { Effect, Option } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { basename } from "node:path"
import { Classifier } from "../../../../run/serve/Classifier.ts"
import { Desk } from "../../../../run/serve/Desk.ts"
import { DeskImages } from "../../../../run/serve/DeskImages.ts"
import { NearPhotos } from "../../../../run/serve/NearPhotos.ts"
import { Photos } from "../../../../run/serve/Photos.ts"
import type { PictureError } from "../../../../run/serve/Pictures.ts"
import { Pictures } from "../../../../run/serve/Pictures.ts"
import type { Arrived } from "../../api/images.ts"
import { DamagedImage, NotFound, NotReady } from "../../api/refusals.ts"
import { DeskApi } from "../../api/DeskApi.ts"
import { digestOf } from "../../../images/digest.ts"
import { answered } from "../faults.ts"
import { readPhotos } from "../readPhotos.ts"
import { refusalOf, refusedOf } from "../refused.ts"
import type { ServerSettings } from "../settings.ts"

/** How many classes an item keeps of each column. */
export const suggested = 5

/** What is named by its content never changes; it is for who asked alone, as a token is needed. */
const lasting = { "cache-control": "private, max-age=31536000, immutable" }

/** Untrusted bytes: shown as what they are, and never run, embedded or guessed at. */
const harmless = {
  ...lasting,
  "content-security-policy": "default-src 'none'; sandbox",
  "content-disposition": "inline"
}

/** Images into the queue, and what is known of them. */
export const inbox = ({ limits }: ServerSettings) =>
  HttpApiBuilder.group(
    DeskApi,
    "inbox",
    Effect.fnUntraced(function* (handlers) {
      const classifier = yield* Classifier
      const desk = yield* Desk
      const images = yield* DeskImages
      const near = yield* NearPhotos
      const photos = yield* Photos
      const pictures = yield* Pictures

      const bytesOf = Effect.fnUntraced(function* (digest: string) {
        const found = yield* Effect.mapError(
          photos.bytes(digest),
          ({ message }) => new NotFound({ message: `There is no such image any more: ${message}` })
        )
        if (Option.isNone(found)) return yield* new NotFound({ message: `There is no image ${digest.slice(0, 12)}` })
        return found.value
      })
      const damaged = ({ message }: PictureError) => Effect.fail(new DamagedImage({ message }))

      return handlers
        .handleRaw(
          "upload",
          Effect.fnUntraced(function* ({ query }) {
            const given = yield* readPhotos(query.name, limits)
            const { answers, by } = yield* answered(classifier.classify(given, { top: suggested }))
            const [only] = answers
            if (answers.length === 1 && only?._tag === "Refused") return yield* refusalOf(only, limits)
            const run = basename(by.run)
            const { columns } = desk.settings
            const arrivals = given.flatMap(({ bytes, name }, i) => {
              const answer = answers[i]
              if (answer === undefined || answer._tag === "Refused") return []
              const suggestions = answer.columns.map(({ column, top }) => ({ column, model: by.model, run, top }))
              return [{ bytes, name, suggestions }]
            })
            const before = new Set<string>()
            for (const { bytes } of arrivals) {
              const digest = digestOf(bytes)
              yield* answered(desk.item(digest)).pipe(
                Effect.map(() => before.add(digest)),
                Effect.catchTag("NotAtDesk", () => Effect.void)
              )
              // The bytes first: an item in the queue can always be shown.
              if (!before.has(digest)) yield* answered(images.put(bytes))
            }
            const items = yield* answered(
              desk.arrive(
                arrivals.map(({ bytes, name, suggestions }) => ({
                  digest: digestOf(bytes),
                  name,
                  origin: "inbox" as const,
                  rows:
                    query.row === undefined || given.length > 1
                      ? []
                      : [{ id: query.row, values: columns.map((column) => ({ column, value: null })) }],
                  part: null,
                  suggestions
                }))
              )
            ).pipe(Effect.catchTag("NotAtDesk", ({ message }) => Effect.fail(new NotReady({ message }))))
            let at = 0
            return {
              images: given.flatMap(
                ({ name }, i): ReadonlyArray<typeof Arrived.Type | ReturnType<typeof refusedOf>> => {
                  const answer = answers[i]
                  if (answer === undefined) return []
                  if (answer._tag === "Refused") return [refusedOf(name, answer)]
                  const item = items[at++]
                  if (item === undefined) return []
                  const { digest, state, suggestions } = item
                  return [{ _tag: "Arrived", name: item.name, digest, isNew: !before.has(digest), state, suggestions }]
                }
              )
            }
          })
        )
        .handle("item", ({ params }) => answered(desk.item(params.digest)))
        .handle(
          "image",
          Effect.fnUntraced(function* ({ params }) {
            const { bytes, type } = yield* bytesOf(params.digest).pipe(
              Effect.flatMap(pictures.shown),
              Effect.catchTag("PictureError", damaged)
            )
            return HttpServerResponse.uint8Array(bytes, { contentType: type, headers: harmless })
          })
        )
        .handle(
          "thumbnail",
          Effect.fnUntraced(function* ({ params, query }) {
            const jpeg = yield* pictures
              .thumbnail(params.digest, query.size ?? "192", bytesOf(params.digest))
              .pipe(Effect.catchTag("PictureError", damaged))
            return HttpServerResponse.uint8Array(jpeg, { contentType: "image/jpeg", headers: harmless })
          })
        )
        .handle(
          "neighbours",
          Effect.fnUntraced(function* ({ params: { digest }, query: { column, count = 5 } }) {
            const item = yield* answered(desk.item(digest))
            const labels = item.suggestions.find((one) => one.column === column)?.top.slice(0, 2) ?? []
            // A blind item's leading classes are not to be seen before it is answered.
            if (labels.length === 0 || (item.blind && item.state === "open")) return []
            return yield* near.nearest(
              digest,
              column,
              labels.map(({ label }) => label),
              count
            )
          })
        )
    })
  )
