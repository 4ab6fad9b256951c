import { Array as Arrays, Effect, Schema } from "effect"
import * as Runtime from "effect/Runtime"
import { nearest } from "../config/nearest.ts"
import { insideOf, isOnlyInTraining } from "./Block.ts"
import type { Block } from "./Block.ts"
import type { Freezing } from "./Engine.ts"
import type { Network } from "./Network.ts"
import type { NetworkConfig } from "./NetworkConfig.ts"
import { architectureOf } from "./networks.ts"
import { asImage, inputShape, outputOf, outputShape, parametersOfBlock } from "./shapes.ts"
import type { Shape } from "./shapes.ts"
import type { TrainConfig } from "./TrainConfig.ts"

/** A configuration names a block that the network does not have: exit code 2. */
export class UnknownBlock extends Schema.TaggedError<UnknownBlock>()("UnknownBlock", {
  /** The key that names it. */
  key: Schema.String,
  block: Schema.String,
  network: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    const suggestion = nearest(this.block, this.known)
    return (
      `\`${this.key}\`: ${this.network} has no block "${this.block}"` +
      `${suggestion === undefined ? "" : `; did you mean "${suggestion}"?`} Its blocks: ${this.known.join(", ")}.`
    )
  }
}

/** The name of a network's head: the start of its tensors' names. */
export const headOf = (network: Network): string | undefined => architectureOf(network.name)?.classifier

const namesOf = (block: Block): ReadonlyArray<string> =>
  "name" in block ? [block.name] : insideOf(block).flat().flatMap(namesOf)

const isWithin = (name: string, part: string) => name === part || name.startsWith(`${part}.`)

/**
 * A part's name: `features.14` for `features.14.conv.0.0`, `encoder.layers.encoder_layer_3` for what is in it, `fc1` for
 * itself.
 */
const partOf = (name: string) => {
  const layer = /^.*?\w_\d+(?=\.)/.exec(name)
  if (layer !== null) return layer[0]
  const [first = "", second = ""] = name.split(".")
  return /^\d+$/.test(second) ? `${first}.${second}` : first
}

/** The parts that a configuration can name, in the network's order. */
export const partNames = (network: Network): ReadonlyArray<string> =>
  Arrays.dedupe(
    network.blocks.filter((block) => !isOnlyInTraining(block)).flatMap((block) => namesOf(block).map(partOf))
  )

/** The first block of a part; `head` is the head's, whatever the network calls it. */
const blockOf = (network: Network, part: string, key: string) => {
  const named = network.blocks.findIndex((block) => namesOf(block).some((name) => isWithin(name, part)))
  const at = named < 0 && part === "head" ? (headAt(network) ?? -1) : named
  return at < 0
    ? Effect.fail(new UnknownBlock({ key, block: part, network: network.name, known: partNames(network) }))
    : Effect.succeed(at)
}

/** Dropout directly before the first trained block counts as trained: frozen blocks have no dropout. */
const withDropout = (network: Network, at: number): number =>
  at > 0 && network.blocks[at - 1]?._tag === "Dropout" ? withDropout(network, at - 1) : at

/** The first block of a network's head; undefined where it has none by name. */
export const headAt = (network: Network): number | undefined => {
  const head = headOf(network)
  const at = network.blocks.findIndex(
    (block) => head !== undefined && namesOf(block).some((name) => isWithin(name, head))
  )
  return at < 0 ? undefined : withDropout(network, at)
}

/** How many of a network's first blocks no engine can train, or apply: the ONNX file of the network `onnx`. */
export const untrainable = ({ blocks }: Network): number => (blocks[0]?._tag === "Onnx" ? 1 : 0)

/** What an engine opens of a network: all but its ONNX file. */
export const forEngine = (network: Network): Network =>
  untrainable(network) === 0 ? network : splitAt(network, untrainable(network)).tail

/** The first of a network's blocks that is trained from the beginning on. */
export const firstTrainable = Effect.fnUntraced(function* (network: Network, { trainable }: NetworkConfig) {
  if (trainable === "all") return untrainable(network)
  const part = trainable === "head" ? (headOf(network) ?? "") : trainable.from
  return withDropout(network, yield* blockOf(network, part, "network.trainable"))
})

/** Whether a block is not a layer of its own: its weights belong to the group of the layer before. */
const isBeside = ({ _tag }: Block): boolean =>
  _tag === "BatchNorm" || _tag === "LayerNorm" || _tag === "ClassToken" || _tag === "PositionEmbedding"

/**
 * The groups of a network's weights that layer-wise decay tells apart, by their tensors' names, from the input to the
 * head: the parts that a configuration can name. A part of normalisations or embeddings alone belongs to the one before
 * it, and the head is the last group, whatever it is made of.
 */
export const layerGroups = (network: Network): ReadonlyArray<ReadonlyArray<string>> => {
  const head = headAt(network) ?? network.blocks.length
  const runs: Array<{ readonly part: string; readonly names: Array<string>; isLayer: boolean }> = []
  let shape: Shape = inputShape(network)
  for (const [at, block] of network.blocks.entries()) {
    const names = parametersOfBlock(block, shape).flatMap(({ name, trainable }) => (trainable ? [name] : []))
    const [first] = namesOf(block)
    if (first !== undefined && names.length > 0) {
      const part = at >= head ? "head" : `before the head: ${partOf(first)}`
      const isLayer = at >= head || !isBeside(block)
      const last = runs.at(-1)
      if (last?.part === part) {
        last.names.push(...names)
        last.isLayer ||= isLayer
      } else runs.push({ part, names, isLayer })
    }
    shape = outputShape(block, shape)
  }
  const groups: Array<Array<string>> = []
  for (const { isLayer, names } of runs) {
    const last = groups.at(-1)
    if (isLayer || last === undefined) groups.push(names)
    else last.push(...names)
  }
  return groups
}

/**
 * The factor of each weight's learning rate under layer-wise decay: decay^(D - d) for group d of D, 1 for the head.
 * Sources: Clark et al., ELECTRA, 2020; Bao et al., BEiT, 2021; timm's `--layer-decay`.
 */
const layerRates = (network: Network, decay: number): ReadonlyMap<string, number> => {
  const groups = layerGroups(network)
  return new Map(groups.flatMap((names, d) => names.map((name) => [name, decay ** (groups.length - 1 - d)] as const)))
}

/** Which blocks are trained when, and how fast, as an engine takes it. */
export const freezingOf = Effect.fnUntraced(function* (
  network: Network,
  config: NetworkConfig,
  train: TrainConfig,
  stepsPerEpoch: number
) {
  let first = yield* firstTrainable(network, config)
  const stages = [{ step: 0, from: first }]
  for (const { epoch, from } of train.unfreeze ?? []) {
    const at = withDropout(network, yield* blockOf(network, from, "train.unfreeze"))
    // An unfrozen part stays so: the schedule only moves towards the input.
    first = Math.min(at, first)
    stages.push({ step: epoch * stepsPerEpoch, from: first })
  }
  const starts: Array<{ readonly at: number; readonly factor: number }> = []
  for (const { factor, from } of train.rates ?? [])
    starts.push({ at: yield* blockOf(network, from, "train.rates"), factor })
  const decayed = layerRates(network, train.layerDecay ?? 1)
  const rates = new Map<string, number>()
  let shape: Shape = inputShape(network)
  for (const [at, block] of network.blocks.entries()) {
    const own = starts.findLast((start) => start.at <= at)?.factor ?? 1
    for (const { name } of parametersOfBlock(block, shape)) {
      const factor = own * (decayed.get(name) ?? 1)
      if (factor !== 1) rates.set(name, factor)
    }
    shape = outputShape(block, shape)
  }
  return { stages, keepStatistics: config.batchNorm === "frozen", rates } satisfies Freezing
})

/**
 * Splits a network in two: the blocks before `at`, and those from there on as a network whose input is their output.
 */
export const splitAt = (
  network: Network,
  at: number
): { readonly front: ReadonlyArray<Block>; readonly tail: Network } => {
  const front = network.blocks.slice(0, at)
  const behind = network.blocks.slice(at)
  const shape = outputOf(front, inputShape(network))
  const [height, width, channels] = asImage(shape)
  const blocks: ReadonlyArray<Block> =
    shape.length === 3 ? behind : [{ _tag: shape.length === 2 ? "Tokens" : "Flatten" }, ...behind]
  return { front, tail: { ...network, height, width, channels, blocks } }
}
