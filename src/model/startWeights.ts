import { Effect } from "effect"
import { headOf } from "./parts.ts"
import { initialise } from "./initialise.ts"
import type { Network } from "./Network.ts"
import { Pretrained, WeightsError } from "./Pretrained.ts"
import { pretrainedName } from "./pretrainedNames.ts"
import type { Parameter } from "./shapes.ts"
import { parameters } from "./shapes.ts"
import type { Tensor, Weights } from "./Tensor.ts"
import { sizeOf } from "./Tensor.ts"

const shapeText = (shape: ReadonlyArray<number>) => shape.join(" x ")

/** At most so many names are written out. */
const mostNamed = 8

const listed = (what: string, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (names.length === 0) return []
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : ""
  return [`${what}: ${names.slice(0, mostNamed).join(", ")}${more}`]
}

/** timm keeps VGG's dense layers as convolutions over the whole image: the same numbers in the same order. */
const fitted = (tensor: Tensor, { shape }: Parameter): Tensor | undefined => {
  if (tensor.shape.join() === shape.join()) return tensor
  const isFlattened = tensor.shape.length === 4 && shape.length === 2 && tensor.shape[0] === shape[0]
  return isFlattened && sizeOf(tensor.shape) === sizeOf(shape) ? { shape, data: tensor.data } : undefined
}

/**
 * A network's tensors out of a file's, whose names are timm's or torchvision's.
 *
 * With `head` every tensor must be there; without, the last layer's are left out, whatever classes it had. Fails with
 * one error that lists what is missing, what is too many and what has another shape.
 */
export const matchWeights = Effect.fnUntraced(function* (
  network: Network,
  tensors: Weights,
  { head, source }: { readonly head: boolean; readonly source: string }
) {
  const last = headOf(network)
  const isOfHead = (name: string) => !head && last !== undefined && name.startsWith(`${last}.`)
  const wanted = parameters(network).filter(({ name }) => !isOfHead(name))
  const found = new Map<string, { readonly tensor: Tensor; readonly name: string }>()
  for (const [name, tensor] of tensors) {
    const ours = pretrainedName(network.name, name)
    if (ours !== undefined && !isOfHead(ours)) found.set(ours, { tensor, name })
  }
  const matched = new Map<string, Tensor>()
  const missing: Array<string> = []
  const misshapen: Array<string> = []
  for (const parameter of wanted) {
    const { name, shape } = parameter
    const there = found.get(name)
    const tensor = there === undefined ? undefined : fitted(there.tensor, parameter)
    if (there === undefined) missing.push(`${name} (${shapeText(shape)})`)
    else if (tensor === undefined)
      misshapen.push(`${there.name} is ${shapeText(there.tensor.shape)} and should be ${shapeText(shape)}`)
    else matched.set(name, tensor)
  }
  const names = new Set(wanted.map(({ name }) => name))
  const extra = [...found].filter(([ours]) => !names.has(ours)).map(([, { name }]) => name)
  const faults = [
    ...listed("missing in the file", missing),
    ...listed(`not of ${network.name}`, extra),
    ...listed("of another shape", misshapen)
  ]
  if (faults.length > 0)
    return yield* new WeightsError({
      source,
      reason: "mismatch",
      detail: `they are not those of ${network.name}. ${faults.join("; ")}. Name a file with the weights of torchvision's or timm's ${network.name}.`
    })
  return matched as Weights
})

/** The weights that a run begins with: a file's, with a new head; all drawn from the seed where there is no file. */
export const startWeights = Effect.fn("startWeights")(function* (
  network: Network,
  seed: number,
  source: string | undefined
) {
  const drawn = initialise(network, seed)
  if (source === undefined) return drawn
  const { tensors } = yield* Pretrained
  const matched = yield* matchWeights(network, yield* tensors(source), { head: false, source })
  return new Map([...drawn, ...matched]) as Weights
})
