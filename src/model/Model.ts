import { Effect, Option, Result, Schema } from "effect"
import { ImageConfig } from "../pipeline/ImageConfig.ts"
import type { SessionOptions } from "./Engine.ts"
import { notFinite, weightsFault } from "./faults.ts"
import { Network } from "./Network.ts"
import { decode, encode } from "./safetensors.ts"
import { parameters } from "./shapes.ts"
import type { Weights } from "./Tensor.ts"
import { OptimizerConfig } from "./TrainConfig.ts"

const Calibration = Schema.Struct({
  kind: Schema.Literal("temperature"),
  temperature: Schema.Finite.check(Schema.isGreaterThan(0))
})

/** A trained classifier, with everything that is needed to apply it. */
export interface Model {
  readonly network: Network
  /** The classes' names, in the order of the logits. */
  readonly labels: ReadonlyArray<string>
  /** How a photo becomes the network's input. */
  readonly image: ImageConfig
  readonly weights: Weights
  /** The bytes of its ONNX file, where the network has one: a file of their own, `model/backbone.onnx`. */
  readonly backbone?: Uint8Array<ArrayBuffer> | undefined
  /** The temperature that divides the logits before the softmax; nothing where there is no calibration. */
  readonly calibration?: typeof Calibration.Type | undefined
}

/** A file is not a usable model. */
export class ModelError extends Schema.TaggedError<ModelError>()("ModelError", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.file} is not a model that can be used: ${this.detail}`
  }
}

const Metadata = Schema.fromJsonString(
  Schema.Struct({
    network: Network,
    labels: Schema.Array(Schema.String),
    image: ImageConfig,
    calibration: Schema.optionalKey(Calibration)
  })
)

/** Everything of a model but the weights, as JSON. */
export const modelMetadata = ({ calibration, image, labels, network }: Model): string =>
  Schema.encodeSync(Metadata)({ network, labels, image, ...(calibration && { calibration }) })

/** The facts in the metadata of a safetensors file of a Weft model; none where it is another file. */
export const modelFacts = (metadata: Readonly<Record<string, string>>) =>
  metadata["weft"] === undefined
    ? Option.none<typeof Metadata.Type>()
    : Schema.decodeUnknownOption(Metadata)(metadata["weft"])

/** The model as one safetensors file; everything but the weights is JSON in its metadata, under `weft`. */
export const encodeModel = (model: Model): Uint8Array =>
  encode(model.weights, { format: "pt", weft: modelMetadata(model) })

/** The model of a file's bytes, its tensors checked against its network; without its ONNX file, where it has one. */
export const decodeModel = Effect.fnUntraced(function* (bytes: Uint8Array, file: string) {
  const fail = (detail: string) => new ModelError({ file, detail })
  const { metadata, tensors } = yield* Effect.fromResult(Result.mapError(decode(bytes), (error) => fail(error.detail)))
  const rest = yield* Schema.decodeEffect(Metadata)(metadata["weft"] ?? "{}").pipe(
    Effect.mapError((error) =>
      fail(`its metadata lacks the network, the labels or the image settings: ${error.message}`)
    )
  )
  const fault = weightsFault(parameters(rest.network), tensors)
  if (fault !== undefined) return yield* fail(fault)
  const [broken] = notFinite(tensors)
  // All its answers would be NaN.
  if (broken !== undefined) return yield* fail(`its weights are not all numbers: ${broken}`)
  const model: Model = { ...rest, weights: tensors }
  return model
})

const neverUsed = Schema.decodeSync(OptimizerConfig)({ kind: "sgd" })

/** A session that only predicts: its settings for training are never used. */
export const inferenceOptions = ({ network, weights }: Pick<Model, "network" | "weights">): SessionOptions => ({
  network,
  weights,
  optimizer: neverUsed,
  labelSmoothing: 0,
  classWeights: undefined,
  clipNorm: undefined,
  clipValue: undefined,
  seed: 0
})
