import { Effect, Option } from "effect"
import { notFinite } from "./faults.ts"
import { headOf } from "./parts.ts"
import { initialise } from "./initialise.ts"
import { modelFacts } from "./Model.ts"
import type { Network } from "./Network.ts"
import type { Contents } from "./Pretrained.ts"
import { Pretrained, WeightsError } from "./Pretrained.ts"
import { architectureOf } from "./networks.ts"
import { parameters } from "./shapes.ts"
import type { Weights } from "./Tensor.ts"
import { sizeOf } from "./Tensor.ts"

/**
 * Our name of a tensor, which is torchvision's, for timm's name or torchvision's; undefined where inference does not need
 * the tensor.
 */
export const pretrainedName = (network: string, name: string): string | undefined =>
  name.endsWith(".num_batches_tracked") ? undefined : (architectureOf(network)?.timm?.toOurs(name) ?? name)

const shapeText = (shape: ReadonlyArray<number>) => shape.join(" x ")

/** The most names in one message. */
const mostNamed = 8

const listed = (what: string, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (names.length === 0) return []
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : ""
  return [`${what}: ${names.slice(0, mostNamed).join(", ")}${more}`]
}

type Shape = ReadonlyArray<number>

/** timm keeps VGG's dense layers as convolutions over the whole image: the same numbers in the same order. */
const fits = (there: Shape, wanted: Shape): boolean =>
  there.join() === wanted.join() ||
  (there.length === 4 && wanted.length === 2 && there[0] === wanted[0] && sizeOf(there) === sizeOf(wanted))

/**
 * Which of a file's tensors are a network's: the file's name by ours. The file's names are timm's or torchvision's.
 *
 * With `head` every tensor must be there; without, the last layer's are left out, whatever classes it had. Fails with
 * one error that lists missing tensors, extra ones, and those of another shape.
 */
export const matchNames = Effect.fnUntraced(function* (
  network: Network,
  shapes: Contents["shapes"],
  { head, source }: { readonly head: boolean; readonly source: string }
) {
  const last = headOf(network)
  const isOfHead = (name: string) => !head && last !== undefined && name.startsWith(`${last}.`)
  const wanted = new Map(parameters(network).flatMap(({ name, shape }) => (isOfHead(name) ? [] : [[name, shape]])))
  const matched = new Map<string, string>()
  const extra: Array<string> = []
  const misshapen: Array<string> = []
  for (const [name, shape] of shapes) {
    const ours = pretrainedName(network.name, name)
    if (ours === undefined || isOfHead(ours)) continue
    const should = wanted.get(ours)
    // A file that has a tensor under both naming schemes leaves open which one is meant.
    if (should === undefined || matched.has(ours)) extra.push(`${name} (${shapeText(shape)})`)
    else {
      matched.set(ours, name)
      if (!fits(shape, should)) misshapen.push(`${name} is ${shapeText(shape)} and should be ${shapeText(should)}`)
    }
  }
  const missing = [...wanted].flatMap(([name, shape]) => (matched.has(name) ? [] : [`${name} (${shapeText(shape)})`]))
  const faults = [
    ...listed("missing in the file", missing),
    ...listed(`in the file and not of ${network.name}`, extra),
    ...listed("of another shape", misshapen)
  ]
  if (faults.length > 0)
    return yield* new WeightsError({
      source,
      reason: "mismatch",
      detail:
        `they are not those of ${network.name}. ${faults.join("; ")}. ` +
        `Name a file with the weights of ${network.name} under torchvision's or timm's names.`
    })
  return matched as ReadonlyMap<string, string>
})

/** A network's tensors from trained weights, with the head or without; weights that do not fit are not read. */
export const pretrainedWeights = Effect.fn("pretrainedWeights")(function* (
  network: Network,
  { head, source }: { readonly head: boolean; readonly source: string }
) {
  const { contents, tensors } = yield* Pretrained
  const matched = yield* matchNames(network, (yield* contents(source)).shapes, { head, source })
  const read = yield* tensors(source, new Set(matched.values()))
  const broken = listed("not finite", notFinite(read))
  if (broken.length > 0)
    return yield* new WeightsError({
      source,
      reason: "notFinite",
      detail: `they have values that are not finite, so the loss would not be finite either. ${broken.join("; ")}. Name another file, or write this one again from finite weights.`
    })
  return new Map(
    parameters(network).flatMap(({ name, shape }) => {
      const tensor = read.get(matched.get(name) ?? "")
      return tensor === undefined ? [] : [[name, { shape, data: tensor.data }]]
    })
  ) as Weights
})

/** Whether the head of a run's model is kept: it has the same layers and classes. Fails where the rest does not fit. */
const keepsHead = Effect.fnUntraced(function* (network: Network, labels: ReadonlyArray<string>, source: string) {
  const facts = modelFacts((yield* Pretrained.use(({ contents }) => contents(source))).metadata)
  if (Option.isNone(facts)) return false
  const { labels: before, network: other } = facts.value
  const mismatch = (detail: string) => new WeightsError({ source, reason: "mismatch", detail })
  if (other.name !== network.name)
    return yield* mismatch(
      `they are a run's of ${other.name}, and this one trains ${network.name}. ` +
        `Set \`network.name\` to ${JSON.stringify(other.name)}, or name a run of ${network.name}.`
    )
  const last = headOf(network)
  const isOfHead = (name: string) => last !== undefined && name.startsWith(`${last}.`)
  const listed = (one: Network, ofHead: boolean) =>
    parameters(one)
      .filter(({ name }) => isOfHead(name) === ofHead)
      .map(({ name, shape }) => `${name} ${shapeText(shape)}`)
      .join("; ")
  if (listed(other, false) !== listed(network, false))
    return yield* mismatch(
      `they are a run's whose images are ${other.height} high and ${other.width} wide, and ${network.name} has other weights for ` +
        `${network.height} and ${network.width}. Set \`image.height\` to ${other.height} and \`image.width\` to ${other.width}.`
    )
  const isSame = before.length === labels.length && before.every((label, index) => label === labels[index])
  return isSame && listed(other, true) === listed(network, true)
})

/**
 * The weights that a run begins with: a file's, with a new head; all drawn from the seed where there is no file. Of a
 * run's model, the head is kept where it has the same classes, `labels`.
 */
export const startWeights = Effect.fn("startWeights")(function* (
  network: Network,
  seed: number,
  source: string | undefined,
  labels: ReadonlyArray<string> = []
) {
  if (source === undefined) return initialise(network, seed)
  const trained = yield* pretrainedWeights(network, { head: yield* keepsHead(network, labels, source), source })
  return new Map([...trained, ...initialise(network, seed, (name) => !trained.has(name))]) as Weights
})
