import { modelMetadata } from "../Model.ts"
import { timmName } from "../pretrainedNames.ts"
import { encode } from "../safetensors.ts"
import type { Tensor, Weights } from "../Tensor.ts"
import type { ExportPlan } from "./describeExport.ts"

/** Why a model cannot have these names; undefined where it can. */
export const namesFault = ({ model, names }: Pick<ExportPlan, "model" | "names">): string | undefined => {
  if (names === "weft") return undefined
  const { name } = model.network
  if (name !== "mobilenet-v2" && name !== "vgg16")
    return `${names} has no network "${name}"; leave out --names, or export a mobilenet-v2 or a vgg16`
  if (!model.weights.has(name === "vgg16" ? "classifier.6.weight" : "classifier.1.weight"))
    return `${names}'s ${name} has one dense layer as its head, and this run's head is another; leave out --names`
  return undefined
}

/** timm has VGG's two hidden dense layers as convolutions: of the 7x7 image, and of what is one pixel then. */
const timmTensor = (name: string, { data, shape }: Tensor): Tensor => {
  const side = name === "pre_logits.fc1.weight" ? 7 : name === "pre_logits.fc2.weight" ? 1 : undefined
  if (side === undefined) return { data, shape }
  const [units, inputs] = shape as readonly [number, number] // a dense layer's weight
  return { data, shape: [units, inputs / (side * side), side, side] }
}

/** The tensors under the names that are asked for; ours are torchvision's. */
const namedTensors = ({ model, names }: ExportPlan): Weights =>
  names !== "timm"
    ? model.weights
    : new Map(
        Array.from(model.weights, ([ours, tensor]) => {
          const name = timmName(model.network.name, ours)
          return [name, timmTensor(name, tensor)]
        })
      )

/**
 * The weights as a safetensors file. In its metadata, `weft` is what a run's own `model.safetensors` has (the network,
 * the labels, the image settings, the calibration), and `export` is the export's description.
 */
export const safetensorsFile = (plan: ExportPlan, metadata: string): Uint8Array<ArrayBuffer> =>
  encode(namedTensors(plan), { format: "pt", weft: modelMetadata(plan.model), export: metadata })
