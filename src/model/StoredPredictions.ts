import { Effect, Result, Schema } from "effect"
import type { Predictions } from "../metrics/calibration.ts"
import { decode, encode } from "./safetensors.ts"

/** A sample that was predicted. */
const StoredSample = Schema.Struct({
  id: Schema.String,
  /** The image file, relative to the catalogue's folder. */
  file: Schema.String,
  /** SHA-256 of its bytes when it was predicted, in hex. */
  digest: Schema.String,
  /** Index of its true class. */
  label: Schema.Natural
})
export type StoredSample = typeof StoredSample.Type

const Metadata = Schema.Struct({
  part: Schema.Literals(["train", "validation", "test"]),
  /** The classes' names, in the order of the logits. */
  labels: Schema.Array(Schema.String),
  /** In the order of the logits' rows. */
  samples: Schema.Array(StoredSample)
})
const MetadataText = Schema.fromJsonString(Metadata)

/** The predictions of a run's model for a part of its catalogue, as in `predictions/PART.safetensors`. */
export interface StoredPredictions extends Schema.Schema.Type<typeof Metadata> {
  /** (samples, classes), row by row: after test-time augmentation, before any temperature. */
  readonly logits: Float32Array
}

/** A file's predictions cannot be used: which file, and why. */
export class PredictionsError extends Schema.TaggedError<PredictionsError>()("PredictionsError", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.file} holds no predictions that can be used: ${this.detail}`
  }
}

/** The predictions as one safetensors file: the tensor `logits`, and the rest as JSON in the metadata, under `weft`. */
export const encodePredictions = ({ labels, logits, part, samples }: StoredPredictions): Uint8Array<ArrayBuffer> =>
  encode(new Map([["logits", { shape: [samples.length, labels.length], data: logits }]]), {
    weft: Schema.encodeSync(MetadataText)({ part, labels, samples })
  })

/** The predictions of a file's bytes; every row belongs to a sample, and every sample to a class. */
export const decodePredictions = Effect.fnUntraced(function* (bytes: Uint8Array, file: string) {
  const fail = (detail: string) => new PredictionsError({ file, detail })
  const { metadata, tensors } = yield* Effect.fromResult(Result.mapError(decode(bytes), (error) => fail(error.detail)))
  const rest = yield* Schema.decodeEffect(MetadataText)(metadata["weft"] ?? "{}").pipe(
    Effect.mapError((error) => fail(`its metadata lacks the part, the labels or the samples: ${error.message}`))
  )
  const logits = tensors.get("logits")
  const expected = [rest.samples.length, rest.labels.length].join(" x ")
  if (logits?.shape.join(" x ") !== expected)
    return yield* fail(`its logits are ${logits?.shape.join(" x ") ?? "missing"}, and should be ${expected}`)
  const stray = rest.samples.find(({ label }) => label >= rest.labels.length)
  if (stray !== undefined)
    return yield* fail(`the sample ${stray.id} has the class ${stray.label}, and there are ${rest.labels.length}`)
  return { ...rest, logits: logits.data } satisfies StoredPredictions
})

/** The bare numbers, for metrics. */
export const numbersOf = ({ labels, logits, samples }: StoredPredictions): Predictions => ({
  classes: labels.length,
  logits,
  labels: Int32Array.from(samples, ({ label }) => label)
})
