import { Result } from "effect"
import { modelMetadata } from "../../Model.ts"
import { architectureOf, networksWith } from "../../networks.ts"
import { decode, encode } from "../../safetensors.ts"
import { parameters } from "../../shapes.ts"
import { pretrainedName } from "../../startWeights.ts"
import type { Tensor, Weights } from "../../Tensor.ts"
import type { TensorNames } from "../ExportSettings.ts"
import type { ExportTask, WeightsFormat } from "../Format.ts"
import { untrainable } from "../../parts.ts"
import { paddingOf } from "../paddingOf.ts"

/** The tensors under the names that are asked for; ours are torchvision's. */
const namedTensors = ({ model, names }: ExportTask): Weights => {
  const timm = names === "timm" ? architectureOf(model.network.name)?.timm : undefined
  if (timm === undefined) return model.weights
  const { reshaped = (_name, tensor) => tensor, toTimm } = timm
  return new Map(Array.from(model.weights, ([ours, tensor]) => [toTimm(ours), reshaped(toTimm(ours), tensor)]))
}

/** How to pad as TensorFlow does, by whose network the tensors are loaded into. */
const samePadding: Readonly<Record<TensorNames, string>> = {
  weft: "a network of these names (they are torchvision's) that pads on all sides alike is another model. Pad as examples/safetensors-torch.py does",
  torchvision:
    "torchvision's network pads on all sides alike, and is another model with them. Pad as examples/safetensors-torch.py does",
  timm: 'timm\'s network pads on all sides alike, and is another model with them. Make it with pad_type="same"'
}

const file = "model.safetensors"

/**
 * The weights alone, for PyTorch: `weft` in the metadata is what a run's own `model.safetensors` has (the network, the
 * labels, the image settings, the calibration), and `export` is the export's description.
 */
export const safetensors: WeightsFormat<"safetensors"> = {
  name: "safetensors",
  title: "weights alone",
  kind: "weights",
  file,
  writes: (name) => name === file,
  files: (task, { text }) => [
    {
      name: file,
      content: encode(namedTensors(task), { format: "pt", weft: modelMetadata(task.model), export: text })
    }
  ],
  read: (bytes, network) =>
    Result.map(decode(bytes), ({ tensors }) => {
      const ours = new Map(Array.from(tensors, ([name, { data }]) => [pretrainedName(network.name, name), data]))
      return new Map(
        parameters(network).flatMap(({ name, shape }): ReadonlyArray<readonly [string, Tensor]> => {
          const data = ours.get(name)
          return data === undefined ? [] : [[name, { shape, data }]]
        })
      )
    }),
  fault: ({ model, names }) => {
    if (names === "weft") return undefined
    const { name } = model.network
    const architecture = architectureOf(name)
    if (architecture?.timm === undefined)
      return `${names} has no network "${name}"; leave out --names, or export one of ${networksWith(({ timm }) => timm !== undefined)}`
    if (!model.weights.has(`${architecture.classifier}.weight`))
      return `${names}'s ${name} has one dense layer as its head, and this run's head is another; leave out --names`
    return undefined
  },
  // A graph has its padding inside; weights leave it to the program that loads them.
  warnings: ({ model, names }) => [
    ...(paddingOf(model.network) === "same"
      ? [`These weights were trained with TensorFlow's padding "same": ${samePadding[names]}.`]
      : []),
    ...(names === "timm" && paddingOf(model.network) !== "same" && architectureOf(model.network.name)?.timm?.eps
      ? ["timm's network of these names has another eps in its batch norms. Make it with bn_eps=0.001."]
      : []),
    ...(untrainable(model.network) > 0
      ? ["These weights are the head alone, behind the features that the run's model/backbone.onnx gives."]
      : [])
  ]
}
