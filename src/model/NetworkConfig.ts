import { Schema } from "effect"
import { optionalSetting, setting } from "../config/Setting.ts"
import { HeadLayers } from "../pipeline/HeadLayers.ts"
import { backboneSettings } from "./onnx/backbone.ts"
import { architectures, networksWith } from "./networks.ts"
import { Grid } from "./positions.ts"

const withHeads = networksWith(({ hasHeads }) => hasHeads)
const withPadding = networksWith(({ hasPadding }) => hasPadding)
const withPositions = networksWith(({ positions }) => positions !== undefined)
const withWeights = networksWith(({ timm }) => timm !== undefined)

/** Which network is trained. */
export const NetworkConfig = Schema.Struct({
  name: setting(Schema.Literals(architectures.map((one) => one.name)), "simple-cnn", "The network's name"),
  head: setting(
    HeadLayers,
    "fc",
    `${withHeads}: what the classes come from: \`fc\` is one linear layer; \`batchnorm\` a linear layer of 256, batch norm, ReLU, dropout 0.5 and a linear layer`
  ),
  padding: optionalSetting(
    Schema.Literals(["symmetric", "same"]),
    `${withPadding}: padding as in PyTorch, or TensorFlow's \`same\`. Where left out, as the weights' file or their hub states, else symmetric`
  ),
  trainable: setting(
    Schema.Union([Schema.Literals(["all", "head"]), Schema.Struct({ from: Schema.NonEmptyString })]),
    "all",
    "Which blocks are trained: `all`, the `head` alone, or `{ from = BLOCK }`, that block and all after it. The others are frozen: not one bit of them changes"
  ),
  batchNorm: setting(
    Schema.Literals(["train", "frozen"]),
    "train",
    "Batch norm in the trained blocks: by batch statistics, or by the running statistics, which then stay as they are (`frozen`). Frozen blocks always use the running statistics"
  ),
  weights: optionalSetting(
    Schema.NonEmptyString,
    `Trained weights; of the network onnx, the ONNX file that is its frozen part (\`hf:OWNER/NAME/FILE.onnx\` for a hub's). Otherwise the folder of a finished run of the same network, whose head is kept where the classes are the same; or, for ${withWeights}, under torchvision's or timm's names, a safetensors file (relative to the configuration file) or a hub's (\`hf:OWNER/NAME\`, \`@REVISION\` and \`/FILE.safetensors\` may follow), with a new head. Everything begins anew where this is left out`
  ),
  positions: optionalSetting(
    Grid,
    `${withPositions}: the grid of the weights' position embeddings, \`[rows, columns]\` of patches, where it is not that of the images: they are resampled. Where left out, as the run whose weights these are states, else a square; a run's config.json has what was found`
  ),
  ...backboneSettings
}).check(
  Schema.makeFilter(({ name, weights }) => name !== "onnx" || weights !== undefined, {
    expected: "`weights`, the ONNX file, where the network is `onnx`"
  }),
  Schema.makeFilter((network) => network.trainable === "all" || network.weights !== undefined, {
    expected: "`weights` where not all is `trainable`: what is frozen keeps the weights that it begins with"
  })
)
export type NetworkConfig = typeof NetworkConfig.Type
