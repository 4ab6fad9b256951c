import type { Batch } from "../pipeline/Batch.ts"
import type { Network } from "./Network.ts"
import type { Parameter } from "./shapes.ts"
import { inputShape } from "./shapes.ts"
import type { Weights } from "./Tensor.ts"
import { sizeOf } from "./Tensor.ts"

/** Why a batch's images cannot go into a network, for people; nothing where they can. */
export const imagesFault = (network: Network, { height, images, size, width }: Batch): string | undefined => {
  if (height !== network.height || width !== network.width)
    return `the network takes images of ${network.height} x ${network.width} pixels, the batch has ${height} x ${width}`
  const expected = size * sizeOf(inputShape(network))
  if (images.length !== expected)
    return `a batch of ${size} images of ${inputShape(network).join(" x ")} has ${expected} values, not ${images.length}`
  return undefined
}

/** Why a batch cannot be trained on, for people; nothing where it can. */
export const batchFault = (network: Network, batch: Batch): string | undefined => {
  const { ids, labels, size } = batch
  if (size < 1) return "the batch is empty"
  if (labels.length !== size) return `a batch of ${size} images has ${labels.length} labels`
  const row = labels.findIndex((label) => label < 0 || label >= network.classes)
  if (row >= 0) return `the label ${labels[row]} of sample ${ids[row]} is no class: there are ${network.classes}`
  const mixed = batch.mix
  if (mixed !== undefined) {
    if (mixed.partners.length !== size || mixed.shares.length !== size)
      return `a batch of ${size} images has ${mixed.partners.length} second images and ${mixed.shares.length} shares`
    const at = mixed.partners.findIndex((partner) => partner < 0 || partner >= size)
    if (at >= 0) return `the sample ${ids[at]} is mixed with image ${mixed.partners[at]} of a batch of ${size}`
  }
  return imagesFault(network, batch)
}

/** Which tensors have NaN or infinity, with the first such value of each, for people. */
export const notFinite = (weights: Weights): ReadonlyArray<string> =>
  Array.from(weights).flatMap(([name, { data }]) => {
    const at = data.findIndex((value) => !Number.isFinite(value))
    return at < 0 ? [] : [`${name} has ${data[at]} at index ${at}`]
  })

/** Which tensor is missing or has a wrong shape, for people; nothing where all fit. Others are not looked at. */
export const weightsFault = (
  expected: ReadonlyArray<Pick<Parameter, "name" | "shape">>,
  weights: Weights
): string | undefined => {
  for (const { name, shape } of expected) {
    const tensor = weights.get(name)
    if (tensor === undefined) return `the tensor ${name} (${shape.join(" x ")}) is missing`
    if (tensor.shape.join() !== shape.join() || tensor.data.length !== sizeOf(shape))
      return (
        `the tensor ${name} is ${tensor.shape.join(" x ")} with ${tensor.data.length} values, ` +
        `and should be ${shape.join(" x ")}`
      )
  }
  return undefined
}
