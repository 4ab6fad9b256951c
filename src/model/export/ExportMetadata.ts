import { Schema } from "effect"
import { Receipt } from "../../metrics/Report.ts"
import { ImageConfig } from "../../pipeline/ImageConfig.ts"
import { kernelNames } from "../../pipeline/resizeKernel.ts"
import { ModelColumn } from "../Model.ts"
import { ExportInput, ExportOutput, TensorNames } from "./ExportSettings.ts"
import { ExportFormat } from "./formats.ts"
import { PrecisionFacts } from "./Precision.ts"

const Size = Schema.Array(Schema.NullOr(Schema.Natural))

/** A graph's input; null stands for the batch, of any size. */
const Input = Schema.Struct({
  name: Schema.String,
  type: ExportInput,
  layout: Schema.Literals(["NHWC", "NCHW"]),
  shape: Size,
  /** How the values are made from an image of this size. */
  meaning: Schema.String
})

const Output = Schema.Struct({ name: ExportOutput, shape: Size })

/** One of several outputs: it has its column's name, and says what its numbers are. */
const ColumnOutput = Schema.Struct({ name: Schema.String, meaning: ExportOutput, shape: Size })

/** A label column, and the graph's output for it. */
const Column = Schema.Struct({
  ...ModelColumn.fields,
  /** What the column's logits are divided by before they become probabilities. */
  temperature: Schema.Finite,
  output: Schema.optionalKey(ColumnOutput)
})

/** Everything about an exported model but its weights: in the model's own metadata, and in `weft.json` beside it. */
export const ExportMetadata = Schema.Struct({
  format: ExportFormat,
  /** Weft's version. */
  weft: Schema.String,
  network: Schema.Struct({
    name: Schema.String,
    head: Schema.NullOr(Schema.String),
    /**
     * Of MobileNetV2's convolutions: `symmetric` is PyTorch's; `same` is TensorFlow's, where the output is
     * ceil(input / stride) and an odd pixel goes to the bottom and the right. Null where the network has only one.
     */
    padding: Schema.NullOr(Schema.String)
  }),
  /** The classes' names, in the order of the outputs; of several label columns, the first one's. */
  labels: Schema.Array(Schema.String),
  /** The label columns, in the order of the logits; absent where there is one with one value. */
  columns: Schema.optionalKey(Schema.Array(Column)),
  /** How a photo becomes the graph's input. */
  preprocessing: Schema.Struct({
    ...ImageConfig.fields,
    /** How images are resized, antialiased where they become smaller; Pillow's names. */
    kernel: Schema.Literals(Object.values(kernelNames)),
    /** The colour that `contain` pads with, and that is behind transparency. */
    padding: ImageConfig.fields.background,
    mean: Schema.Array(Schema.Finite),
    std: Schema.Array(Schema.Finite),
    note: Schema.String
  }),
  /** What the logits are divided by before they become probabilities; of several label columns, the first one's. */
  temperature: Schema.Finite,
  input: Schema.optionalKey(Input),
  /** Absent where there are several label columns: each has its own in `columns`. */
  output: Schema.optionalKey(Output),
  /** Version of ONNX's operators. */
  opset: Schema.optionalKey(Schema.Natural),
  /** Absent where all numbers are float32. */
  precision: Schema.optionalKey(PrecisionFacts),
  /** Whose names the tensors of a safetensors file have. */
  names: Schema.optionalKey(TensorNames),
  /** What a program that loads the weights must do to compute the same model; absent where there is nothing to do. */
  warnings: Schema.optionalKey(Schema.Array(Schema.String)),
  receipt: Receipt
})
export type ExportMetadata = typeof ExportMetadata.Type

/** The metadata as text, for each format's own place. */
export const metadataText = Schema.encodeSync(Schema.fromJsonString(ExportMetadata))
