import { Array as Arrays, Effect, Option } from "effect"
import type { LabelColumn } from "../pipeline/LabelColumn.ts"
import { notFinite } from "./faults.ts"
import { headOf } from "./parts.ts"
import { initialise } from "./initialise.ts"
import { modelColumns, modelFacts } from "./Model.ts"
import type { Network } from "./Network.ts"
import { headsOf } from "./Network.ts"
import type { Contents } from "./Pretrained.ts"
import { Pretrained, WeightsError } from "./Pretrained.ts"
import { architectureOf } from "./networks.ts"
import { headName } from "./networks/heads.ts"
import type { Grid } from "./positions.ts"
import { gridOf, positionsOf, resamplePositions } from "./positions.ts"
import { parameters } from "./shapes.ts"
import { timmVariance } from "./timmVariance.ts"
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

/**
 * Which heads of a file are a network's: all, as they are called, or none, or those whose tensors' names begin with
 * `from` in the file, and with `to` in the network.
 */
export type HeadsTaken = boolean | ReadonlyArray<{ readonly from: string; readonly to: string }>

const withoutLastOnes = (shape: Shape): Shape => shape.slice(0, shape.findLastIndex((length) => length !== 1) + 1)

/**
 * timm keeps VGG's dense layers as convolutions over the whole image, others as convolutions of a pixel, and a layer's
 * scale as a vector: the same numbers in the same order.
 */
const fits = (there: Shape, wanted: Shape): boolean =>
  withoutLastOnes(there).join() === withoutLastOnes(wanted).join() ||
  (there.length === 4 && wanted.length === 2 && there[0] === wanted[0] && sizeOf(there) === sizeOf(wanted))

/** Which weights are taken of a source. */
interface Taken {
  readonly head: HeadsTaken
  readonly source: string
  /** The grid of its position embeddings, where it is not the network's: they are resampled. */
  readonly positions?: Grid | undefined
}

/**
 * Which of a file's tensors are a network's: the file's name by ours. The file's names are timm's or torchvision's.
 *
 * With `head` every tensor must be there; without, those of all heads are left out, whatever classes they had; or those
 * of the heads that are listed must be there. Fails with one error that lists missing tensors, extra ones, and those of
 * another shape.
 */
export const matchNames = Effect.fnUntraced(function* (
  network: Network,
  shapes: Contents["shapes"],
  { head, positions, source }: Taken
) {
  const last = headOf(network)
  const isWithin = (name: string, part: string | undefined) => part !== undefined && name.startsWith(`${part}.`)
  const taken = typeof head === "boolean" ? [] : head
  const isWanted = (name: string) =>
    head === true || !isWithin(name, last) || taken.some(({ to }) => isWithin(name, to))
  const shapeThere = (name: string, shape: Shape): Shape =>
    positions === undefined || name !== positionsOf(network.name)
      ? shape
      : shape.with(1, 1 + positions[0] * positions[1])
  const wanted = new Map(
    parameters(network).flatMap(({ name, shape }) => (isWanted(name) ? [[name, shapeThere(name, shape)]] : []))
  )
  /** Where one of the file's tensors belongs, by our name of it; undefined where it is left out. */
  const placeOf = (name: string): string | undefined => {
    if (head === true || !isWithin(name, last)) return name
    const own = taken.find(({ from }) => isWithin(name, from))
    return own === undefined ? undefined : own.to + name.slice(own.from.length)
  }
  const matched = new Map<string, string>()
  const extra: Array<string> = []
  const misshapen: Array<string> = []
  for (const [name, shape] of shapes) {
    const known = pretrainedName(network.name, name)
    const ours = known === undefined ? undefined : placeOf(known)
    if (ours === undefined) continue
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
export const pretrainedWeights = Effect.fn("pretrainedWeights")(function* (network: Network, taken: Taken) {
  const { positions, source } = taken
  const { contents, tensors } = yield* Pretrained
  const matched = yield* matchNames(network, (yield* contents(source)).shapes, taken)
  const read = yield* tensors(source, new Set(matched.values()))
  const broken = listed("not finite", notFinite(read))
  if (broken.length > 0)
    return yield* new WeightsError({
      source,
      reason: "notFinite",
      detail: `they have values that are not finite, so the loss would not be finite either. ${broken.join("; ")}. Name another file, or write this one again from finite weights.`
    })
  const fromTimm = timmVariance(network, "ours")
  const own = gridOf(network.name, network)
  return new Map(
    parameters(network).flatMap(({ name, shape }) => {
      const theirs = matched.get(name) ?? ""
      const tensor = read.get(theirs)
      if (tensor === undefined) return []
      if (positions !== undefined && own !== undefined && name === positionsOf(network.name))
        return [[name, resamplePositions(tensor, positions, own)]]
      // A name that is torchvision's and timm's is of a network whose numbers are the same in both.
      const { data } = theirs === name ? tensor : fromTimm(name, tensor)
      return [[name, { shape, data }]]
    })
  ) as Weights
})

/** A label column, as a head is recognised by it. */
type NamedClasses = Pick<LabelColumn, "name" | "classes">

/** A head of a network: what its tensors' names begin with, and their names and shapes after that. */
const headParts = (network: Network) => {
  const classifier = headOf(network)
  if (classifier === undefined) return []
  return headsOf(network).map(({ kind }, index) => {
    const name = headName(classifier, network, index)
    const tensors = parameters(network).filter((one) => one.name.startsWith(`${name}.`))
    const layers = tensors.map((one) => `${one.name.slice(name.length)} ${shapeText(one.shape)}`).join("; ")
    return { name, layers: `${kind} ${layers}` }
  })
}

const isSame = (some: ReadonlyArray<string>, others: ReadonlyArray<string>): boolean =>
  some.length === others.length && some.every((one, index) => one === others[index])

/**
 * Which heads of a run's model are kept: those of the columns that have the same name, the same classes, and a head of
 * the same layers. A run of one column does not keep its name: there, the classes decide. Fails where the rest of the
 * network does not fit.
 */
const keptHeads = Effect.fnUntraced(function* (network: Network, columns: ReadonlyArray<NamedClasses>, source: string) {
  const facts = modelFacts((yield* Pretrained.use(({ contents }) => contents(source))).metadata)
  if (Option.isNone(facts)) return false
  const { network: other } = facts.value
  const mismatch = (detail: string) => new WeightsError({ source, reason: "mismatch", detail })
  if (other.name !== network.name)
    return yield* mismatch(
      `they are a run's of ${other.name}, and this one trains ${network.name}. ` +
        `Set \`network.name\` to ${JSON.stringify(other.name)}, or name a run of ${network.name}.`
    )
  const last = headOf(network)
  const listed = (one: Network) =>
    parameters(one)
      // Position embeddings are resampled.
      .filter(({ name }) => (last === undefined || !name.startsWith(`${last}.`)) && name !== positionsOf(one.name))
      .map(({ name, shape }) => `${name} ${shapeText(shape)}`)
      .join("; ")
  if (listed(other) !== listed(network))
    return yield* mismatch(
      `they are a run's whose images are ${other.height} high and ${other.width} wide, and ${network.name} has other weights for ` +
        `${network.height} and ${network.width}. Set \`image.height\` to ${other.height} and \`image.width\` to ${other.width}.`
    )
  const before = Arrays.zip(modelColumns(facts.value), headParts(other))
  const hasNames = facts.value.columns !== undefined
  const taken = new Set<string>()
  return Arrays.zip(columns, headParts(network)).flatMap(([column, head]) => {
    const own = before.find(
      ([one, { layers, name }]) =>
        (!hasNames || one.name === column.name) &&
        isSame(one.classes, column.classes) &&
        layers === head.layers &&
        !taken.has(name)
    )
    if (own === undefined) return []
    const [, { name }] = own
    taken.add(name)
    return [{ from: name, to: head.name }]
  })
})

/**
 * The weights that a run begins with: a file's, with new heads; all drawn from the seed where there is no file. Of a
 * run's model, the head of each of the label columns is kept that has the same classes. Position embeddings are
 * resampled where the file's grid is another one.
 */
export const startWeights = Effect.fn("startWeights")(function* (
  network: Network,
  seed: number,
  source: string | undefined,
  columns: ReadonlyArray<NamedClasses> = [],
  positions: Grid | undefined = undefined
) {
  if (source === undefined) return initialise(network, seed)
  const head = yield* keptHeads(network, columns, source)
  const trained = yield* pretrainedWeights(network, { head, positions, source })
  return new Map([...trained, ...initialise(network, seed, (name) => !trained.has(name))]) as Weights
})
