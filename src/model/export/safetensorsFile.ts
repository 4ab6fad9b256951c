import { modelMetadata } from "../Model.ts"
import { architectureOf, networksWith } from "../networks.ts"
import { encode } from "../safetensors.ts"
import type { Weights } from "../Tensor.ts"
import type { ExportPlan } from "./describeExport.ts"

/** Why a model cannot have these names; undefined where it can. */
export const namesFault = ({ model, names }: Pick<ExportPlan, "model" | "names">): string | undefined => {
  if (names === "weft") return undefined
  const { name } = model.network
  const architecture = architectureOf(name)
  if (architecture?.timm === undefined)
    return `${names} has no network "${name}"; leave out --names, or export one of ${networksWith(({ timm }) => timm !== undefined)}`
  if (!model.weights.has(`${architecture.classifier}.weight`))
    return `${names}'s ${name} has one dense layer as its head, and this run's head is another; leave out --names`
  return undefined
}

/** The tensors under the names that are asked for; ours are torchvision's. */
const namedTensors = ({ model, names }: ExportPlan): Weights => {
  const timm = names === "timm" ? architectureOf(model.network.name)?.timm : undefined
  if (timm === undefined) return model.weights
  const { reshaped = (_name, tensor) => tensor, toTimm } = timm
  return new Map(Array.from(model.weights, ([ours, tensor]) => [toTimm(ours), reshaped(toTimm(ours), tensor)]))
}

/**
 * The weights as a safetensors file. In its metadata, `weft` is what a run's own `model.safetensors` has (the network,
 * the labels, the image settings, the calibration), and `export` is the export's description.
 */
export const safetensorsFile = (plan: ExportPlan, metadata: string): Uint8Array<ArrayBuffer> =>
  encode(namedTensors(plan), { format: "pt", weft: modelMetadata(plan.model), export: metadata })
