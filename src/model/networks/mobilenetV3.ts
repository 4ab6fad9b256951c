import type { Architecture, NetworkOptions } from "../Architecture.ts"
import type { Block } from "../Block.ts"
import type { Network } from "../Network.ts"
import { headedEnd } from "./heads.ts"
import { gate, layersOf } from "./invertedResidual.ts"
import type { NamePair } from "./renamed.ts"
import { renamed, threeGroups, twoGroups } from "./renamed.ts"

type Kind = "relu" | "hard-swish"

/** Of each block: kernel, channels inside and after, whether it has a gate, activation, stride. */
type Row = readonly [kernel: 3 | 5, inside: number, after: number, gated: boolean, kind: Kind, stride: 1 | 2]

/** Source: Howard et al., Searching for MobileNetV3, 2019, table 1. */
const rows: ReadonlyArray<Row> = [
  [3, 16, 16, false, "relu", 1],
  [3, 64, 24, false, "relu", 2],
  [3, 72, 24, false, "relu", 1],
  [5, 72, 40, true, "relu", 2],
  [5, 120, 40, true, "relu", 1],
  [5, 120, 40, true, "relu", 1],
  [3, 240, 80, false, "hard-swish", 2],
  [3, 200, 80, false, "hard-swish", 1],
  [3, 184, 80, false, "hard-swish", 1],
  [3, 184, 80, false, "hard-swish", 1],
  [3, 480, 112, true, "hard-swish", 1],
  [3, 672, 112, true, "hard-swish", 1],
  [5, 672, 160, true, "hard-swish", 2],
  [5, 960, 160, true, "hard-swish", 1],
  [5, 960, 160, true, "hard-swish", 1]
]

/**
 * The multiple of 8 next to a number of channels, and no more than a tenth below it. Source: torchvision's
 * `_make_divisible`.
 */
const divisible = (channels: number): number => {
  const near = Math.max(8, Math.floor((channels + 4) / 8) * 8)
  return near < 0.9 * channels ? near + 8 : near
}

const build = (options: NetworkOptions): Network => {
  const { height, width } = options
  const end = headedEnd(options, "classifier.3")
  const { activated, normalised } = layersOf(options.padding, { eps: 1e-3, momentum: 0.01 })
  const body: Array<Block> = []
  let before = 16
  for (const [at, [kernel, inside, after, gated, kind, stride]] of rows.entries()) {
    const name = `features.${at + 1}.block`
    const parts: ReadonlyArray<(name: string) => ReadonlyArray<Block>> = [
      ...(inside === before
        ? []
        : [(name: string) => activated(name, { filters: inside, kernel: 1, stride: 1 }, kind)]),
      (name) => activated(name, { filters: undefined, kernel, stride }, kind),
      ...(gated ? [(name: string) => gate(name, divisible(inside / 4), inside, "relu", "hard-sigmoid")] : []),
      (name) => normalised(name, { filters: after, kernel: 1, stride: 1 })
    ]
    const blocks = parts.flatMap((part, k) => part(`${name}.${k}`))
    body.push(...(stride === 1 && before === after ? [{ _tag: "Residual", blocks } satisfies Block] : blocks))
    before = after
  }
  return {
    name: "mobilenet-v3-large",
    height,
    width,
    ...end.logits,
    blocks: [
      ...activated("features.0", { filters: 16, kernel: 3, stride: 2 }, "hard-swish"),
      ...body,
      ...activated(`features.${rows.length + 1}`, { filters: 960, kernel: 1, stride: 1 }, "hard-swish"),
      { _tag: "GlobalAveragePool" },
      { _tag: "Dense", name: "classifier.0", units: 1280, bias: true, init: "normal-0.01" },
      { _tag: "Activation", kind: "hard-swish" },
      { _tag: "Dropout", name: "classifier.2", rate: 0.2 },
      ...end.blocks
    ]
  }
}

/** Blocks before each of timm's stages, counting the stem: `blocks.STAGE.INDEX` is `features.(start + INDEX)`. */
const stageStarts = [1, 2, 4, 7, 11, 13, 16]

const ends: ReadonlyArray<NamePair> = [
  ["conv_stem.", "features.0.0."],
  ["bn1.", "features.0.1."],
  ["blocks.6.0.conv.", "features.16.0."],
  ["blocks.6.0.bn1.", "features.16.1."],
  ["conv_head.", "classifier.0."],
  ["classifier.weight", "classifier.3.weight"],
  ["classifier.bias", "classifier.3.bias"]
]

/** The first block has no expansion; of all others, some have a gate. */
const first: ReadonlyArray<NamePair> = [
  ["conv_dw.", "0.0."],
  ["bn1.", "0.1."],
  ["conv_pw.", "1.0."],
  ["bn2.", "1.1."]
]
const expansion: ReadonlyArray<NamePair> = [
  ["conv_pw.", "0.0."],
  ["bn1.", "0.1."],
  ["conv_dw.", "1.0."],
  ["bn2.", "1.1."]
]
const plain: ReadonlyArray<NamePair> = [...expansion, ["conv_pwl.", "2.0."], ["bn3.", "2.1."]]
const gated: ReadonlyArray<NamePair> = [
  ...expansion,
  ["se.conv_reduce.", "2.fc1."],
  ["se.conv_expand.", "2.fc2."],
  ["conv_pwl.", "3.0."],
  ["bn3.", "3.1."]
]

/** The names within a block, by its number among ours. */
const pairsOf = (index: number) => (index === 1 ? first : rows[index - 1]?.[3] === true ? gated : plain)

const toOurs = (name: string): string => {
  const match = threeGroups(/^blocks\.([0-5])\.(\d+)\.(.*)$/, name)
  if (match === undefined) return renamed(ends, name, "ours")
  const [stage, at, rest] = match
  const index = (stageStarts[Number(stage)] ?? NaN) + Number(at)
  return `features.${index}.block.${renamed(pairsOf(index), rest, "ours")}`
}

const toTimm = (name: string): string => {
  const match = twoGroups(/^features\.(\d+)\.block\.(.*)$/, name)
  if (match === undefined) return renamed(ends, name, "timm")
  const [index, rest] = match
  const stage = stageStarts.findLastIndex((start) => start <= Number(index))
  return `blocks.${stage}.${Number(index) - (stageStarts[stage] ?? NaN)}.${renamed(pairsOf(Number(index)), rest, "timm")}`
}

/**
 * MobileNetV3-Large of width 1, with torchvision's names (`features.N…`, `classifier.0`, `classifier.3`).
 *
 * Any input; at 224x224 the last image is 7x7. With the head `fc` and 1,000 classes it is the original, of 5,483,032
 * parameters; the dense layer of 1,280 with its dropout of 0.2 stays. Weights trained by TensorFlow want the padding `same`.
 * Sources: Howard et al., Searching for MobileNetV3, 2019; torchvision's mobilenet_v3_large; for timm's names its
 * mobilenetv3_large_100 (mobilenetv3.py), which has the dense layer as a convolution of the one pixel that is left.
 */
export const mobilenetV3Large: Architecture<"mobilenet-v3-large"> = {
  name: "mobilenet-v3-large",
  build,
  classifier: "classifier.3",
  hasHeads: true,
  hasPadding: true,
  timm: {
    toOurs,
    toTimm,
    eps: { timm: 1e-5, torchvision: 1e-3 },
    reshaped: (name, { data, shape }) => ({
      data,
      shape: name === "conv_head.weight" ? [...shape, 1, 1] : shape
    })
  }
}
