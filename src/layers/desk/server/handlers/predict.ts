import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { basename } from "node:path"
import type { Classified, Photo } from "../../../../run/serve/Classifier.ts"
import { Classifier } from "../../../../run/serve/Classifier.ts"
import { suggestedValue } from "../../../../run/serve/ColumnValue.ts"
import { digestOf } from "../../../images/digest.ts"
import { DeskApi } from "../../api/DeskApi.ts"
import { answered } from "../faults.ts"
import { readPhotos } from "../readPhotos.ts"
import { refusalOf, refusedOf } from "../refused.ts"
import type { ServerSettings } from "../settings.ts"

/** Classes for each image where a request does not say how many. */
const usual = 5

/** `POST /v1/predict`. */
export const predict = ({ limits, threshold }: ServerSettings) =>
  HttpApiBuilder.group(
    DeskApi,
    "predict",
    Effect.fnUntraced(function* (handlers) {
      const classifier = yield* Classifier
      const one = ({ bytes, name }: Photo, answer: Classified, least: number) =>
        answer._tag === "Refused"
          ? refusedOf(name, answer)
          : {
              _tag: "Predicted" as const,
              name,
              digest: digestOf(bytes),
              columns: answer.columns.map(({ column, top }) => {
                const value = suggestedValue(top)
                return typeof value === "string"
                  ? { column, top, answers: top[0].probability >= least }
                  : { column, top, labels: value, answers: value.length > 0 }
              })
            }
      return handlers.handleRaw(
        "predict",
        Effect.fnUntraced(function* ({ query }) {
          const photos = yield* readPhotos(query.name, limits)
          const { answers, by } = yield* answered(classifier.classify(photos, { top: query.top ?? usual }))
          const [only] = answers
          if (answers.length === 1 && only?._tag === "Refused") return yield* refusalOf(only, limits)
          const least = query.threshold ?? threshold
          return {
            model: by.model,
            run: basename(by.run),
            threshold: least,
            // An answer for each image, in the images' order.
            images: photos.flatMap((photo, i) => {
              const answer = answers[i]
              return answer === undefined ? [] : [one(photo, answer, least)]
            })
          }
        })
      )
    })
  )
