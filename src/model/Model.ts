import { Array as Arrays, Effect, Option, Result, Schema } from "effect"
import { elementAt } from "../pipeline/elementAt.ts"
import type { PlacedColumn } from "../pipeline/LabelColumn.ts"
import { LabelColumn, placedColumns } from "../pipeline/LabelColumn.ts"
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

/** A label column as a model has it: its classes, and what turns its logits into answers. */
export const ModelColumn = Schema.Struct({
  ...LabelColumn.fields,
  /** Divides the column's logits; absent where there is no calibration. */
  temperature: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThan(0))),
  /** Of a column with several values: the probability from which on each class applies, after the temperature. */
  thresholds: Schema.optionalKey(Schema.Array(Schema.Finite)),
  /**
   * The column above it: its name and classes, and for each class of this column the index of the class above it; null
   * where none was seen with it.
   */
  parent: Schema.optionalKey(
    Schema.Struct({
      name: Schema.String,
      classes: Schema.Array(Schema.String),
      of: Schema.Array(Schema.NullOr(Schema.Natural))
    })
  )
})
export type ModelColumn = typeof ModelColumn.Type

/** The pairs of classes that occurred together in training, of two columns (a < b) with one value each. */
export const SeenTogether = Schema.Struct({
  columns: Schema.Tuple([Schema.Natural, Schema.Natural]),
  pairs: Schema.Array(Schema.Tuple([Schema.Natural, Schema.Natural]))
})
export type SeenTogether = typeof SeenTogether.Type

/** A trained classifier, with everything that is needed to apply it. */
export interface Model {
  readonly network: Network
  /** The names of the first label column's classes, in the order of the logits. */
  readonly labels: ReadonlyArray<string>
  /** The label columns, in the order of the logits; absent where there is one column with one value. See `modelColumns`. */
  readonly columns?: ReadonlyArray<ModelColumn> | undefined
  /** For pairs of columns; absent where there is one. */
  readonly seenTogether?: ReadonlyArray<SeenTogether> | undefined
  /** How a photo becomes the network's input. */
  readonly image: ImageConfig
  readonly weights: Weights
  /** The bytes of its ONNX file, where the network has one: a file of their own, `model/backbone.onnx`. */
  readonly backbone?: Uint8Array<ArrayBuffer> | undefined
  /** The temperature that divides the first column's logits before the softmax; nothing where there is no calibration. */
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
    columns: Schema.optionalKey(Schema.Array(ModelColumn)),
    seenTogether: Schema.optionalKey(Schema.Array(SeenTogether)),
    image: ImageConfig,
    calibration: Schema.optionalKey(Calibration)
  })
)

/** Everything of a model but the weights, as JSON. */
export const modelMetadata = ({ calibration, columns, image, labels, network, seenTogether }: Model): string =>
  Schema.encodeSync(Metadata)({
    network,
    labels,
    ...(columns && { columns }),
    ...(seenTogether && { seenTogether }),
    image,
    ...(calibration && { calibration })
  })

/** The label columns of a model, each with the place of its logits; one at least. The only column of a run may be without a name: "label". */
export const modelColumns = ({
  calibration,
  columns,
  labels
}: Pick<Model, "calibration" | "columns" | "labels">): ReadonlyArray<ModelColumn & PlacedColumn> => {
  const all: ReadonlyArray<ModelColumn> = columns ?? [
    { name: "label", classes: labels, values: "one", ...(calibration && { temperature: calibration.temperature }) }
  ]
  return Arrays.zipWith(all, placedColumns(all), (column, placed) => ({ ...column, ...placed }))
}

/** Logits of all columns (samples, classes of all columns), each column's divided by its temperature; with none, the same array. */
export const cooledColumns = (
  logits: Float32Array,
  columns: ReadonlyArray<Pick<ModelColumn & PlacedColumn, "from" | "temperature" | "to">>
): Float32Array => {
  if (columns.every(({ temperature = 1 }) => temperature === 1)) return logits
  const temperatures = columns.flatMap(({ from, temperature = 1, to }) =>
    Array.from({ length: to - from }, () => temperature)
  )
  return logits.map((logit, at) => logit / elementAt(temperatures, at % temperatures.length))
}

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
  const logits = modelColumns(rest).reduce((sum, { classes }) => sum + classes.length, 0)
  if (logits !== rest.network.classes)
    return yield* fail(`its network gives ${rest.network.classes} logits, and its label columns have ${logits} classes`)
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
