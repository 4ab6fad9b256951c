import type { Batch, Softened } from "../pipeline/Batch.ts"
import { elementAt } from "../pipeline/elementAt.ts"
import type { ColumnLabels } from "../pipeline/LabelColumn.ts"
import { columnsOf } from "./loss.ts"
import type { Head, Network } from "./Network.ts"
import { headsOf } from "./Network.ts"
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

/** Why the labels of one column are not those of a head, for people; nothing where they are. */
const labelsFault = (
  { classes, kind }: Head,
  column: ColumnLabels,
  { ids, size }: Batch,
  mayBeUnknown: boolean
): string | undefined => {
  if (column.values === "several") {
    const { known, labels } = column
    if (kind !== "sigmoid") return "a sample has several labels, and exactly one class is to be true"
    return known.length === size && labels.length === size * classes
      ? undefined
      : `a batch of ${size} images has ${labels.length} labels of ${classes} classes, ${known.length} of them known`
  }
  const { labels } = column
  if (kind !== "softmax") return "a sample has one label, and each class is to be true or not"
  if (labels.length !== size) return `a batch of ${size} images has ${labels.length} labels`
  const row = labels.findIndex((label) => label < (mayBeUnknown ? -1 : 0) || label >= classes)
  return row < 0 ? undefined : `the label ${labels[row]} of sample ${ids[row]} is no class: there are ${classes}`
}

/** Why the second classes of one column are not those of a head, for people; nothing where they are. */
const softenedFault = (
  { classes, kind }: Head,
  { labels, shares }: Softened,
  { ids, size }: Batch
): string | undefined => {
  if (kind !== "softmax") return "a sample has a second class, and each class is to be true or not"
  if (labels.length !== size || shares.length !== size)
    return `a batch of ${size} images has ${labels.length} second classes and ${shares.length} shares`
  const row = shares.findIndex((share, at) => {
    const label = elementAt(labels, at)
    return !(share >= 0 && share <= 1) || label >= classes || (share > 0 && label < 0)
  })
  return row < 0
    ? undefined
    : `the second class ${labels[row]} of sample ${ids[row]}, with a share of ${shares[row]}, cannot be: there are ${classes} classes, and shares from 0 to 1`
}

/** Why a batch does not have what a teacher's part of the loss needs, for people; nothing where it does. */
const teacherFault = (network: Network, { ids, size, teacher }: Batch): string | undefined => {
  if (teacher === undefined) return "the batch has no logits of the teacher"
  const heads = headsOf(network)
  for (const [index, head] of heads.entries())
    for (const logits of teacher[index] ?? []) {
      if (logits.length !== size * head.classes)
        return `${head.name}: a batch of ${size} images has ${logits.length} of the teacher's logits for ${head.classes} classes`
      const at = logits.findIndex((logit) => !Number.isFinite(logit))
      if (at >= 0)
        return `${head.name}: the teacher answers ${logits[at]} to sample ${ids[Math.floor(at / head.classes)]}, and not a number to learn from`
    }
  return undefined
}

/** Why a batch cannot be trained on, for people; nothing where it can. `teacher`: whether a teacher counts. */
export const batchFault = (network: Network, batch: Batch, teacher?: unknown): string | undefined => {
  const { ids, size } = batch
  if (size < 1) return "the batch is empty"
  const heads = headsOf(network)
  const columns = columnsOf(batch)
  if (columns.length !== heads.length)
    return `the network has ${heads.length} heads, and the batch has ${columns.length} label columns`
  for (const [index, head] of heads.entries()) {
    const softened = batch.softened?.[index]
    const fault =
      labelsFault(head, elementAt(columns, index), batch, batch.columns !== undefined) ??
      (softened === undefined ? undefined : softenedFault(head, softened, batch))
    if (fault !== undefined) return network.heads === undefined ? fault : `${head.name}: ${fault}`
  }
  const mixed = batch.mix
  if (mixed !== undefined) {
    if (mixed.partners.length !== size || mixed.shares.length !== size)
      return `a batch of ${size} images has ${mixed.partners.length} second images and ${mixed.shares.length} shares`
    const at = mixed.partners.findIndex((partner) => partner < 0 || partner >= size)
    if (at >= 0) return `the sample ${ids[at]} is mixed with image ${mixed.partners[at]} of a batch of ${size}`
  }
  if (teacher !== undefined) {
    const fault = teacherFault(network, batch)
    if (fault !== undefined) return fault
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
