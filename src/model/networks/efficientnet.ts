import type { Architecture, NetworkOptions } from "../Architecture.ts"
import type { Block } from "../Block.ts"
import type { Network } from "../Network.ts"
import { headedEnd } from "./heads.ts"
import { gate, layersOf } from "./invertedResidual.ts"
import type { NamePair } from "./renamed.ts"
import { renamed, threeGroups } from "./renamed.ts"

/** Expansion, kernel, stride, channels and blocks of each stage. Source: Tan and Le, 2019, table 1. */
const stages = [
  { expansion: 1, kernel: 3, stride: 1, channels: 16, depth: 1 },
  { expansion: 6, kernel: 3, stride: 2, channels: 24, depth: 2 },
  { expansion: 6, kernel: 5, stride: 2, channels: 40, depth: 2 },
  { expansion: 6, kernel: 3, stride: 2, channels: 80, depth: 3 },
  { expansion: 6, kernel: 5, stride: 1, channels: 112, depth: 3 },
  { expansion: 6, kernel: 5, stride: 2, channels: 192, depth: 4 },
  { expansion: 6, kernel: 3, stride: 1, channels: 320, depth: 1 }
] as const

/** Of the last block, and a share of it of those before. Source: torchvision's `stochastic_depth_prob`. */
const stochasticDepth = 0.2

const build = (options: NetworkOptions): Network => {
  const { height, width } = options
  const end = headedEnd(options, "classifier.1")
  const { activated, normalised } = layersOf(options.padding, { eps: 1e-5, momentum: 0.1 })
  const count = stages.reduce((sum, { depth }) => sum + depth, 0)
  const body: Array<Block> = []
  let before = 32
  let index = 0
  for (const [at, { channels, depth, expansion, kernel, stride: first }] of stages.entries())
    for (let i = 0; i < depth; i++, index++) {
      const path = `features.${at + 1}.${i}`
      const stride = i === 0 ? first : 1
      const [input, inside] = [before, before * expansion]
      const parts: ReadonlyArray<(name: string) => ReadonlyArray<Block>> = [
        ...(expansion === 1
          ? []
          : [(name: string) => activated(name, { filters: inside, kernel: 1, stride: 1 }, "silu")]),
        (name) => activated(name, { filters: undefined, kernel, stride }, "silu"),
        (name) => gate(name, Math.max(1, Math.floor(input / 4)), inside, "silu", "sigmoid"),
        (name) => normalised(name, { filters: channels, kernel: 1, stride: 1 })
      ]
      const blocks = parts.flatMap((part, k) => part(`${path}.block.${k}`))
      const rate = (stochasticDepth * index) / count
      const isResidual = stride === 1 && before === channels
      if (isResidual)
        body.push({
          _tag: "Residual",
          blocks: [...blocks, { _tag: "StochasticDepth", name: `${path}.stochastic_depth`, rate }]
        })
      else body.push(...blocks)
      before = channels
    }
  return {
    name: "efficientnet-b0",
    height,
    width,
    ...end.logits,
    blocks: [
      ...activated("features.0", { filters: 32, kernel: 3, stride: 2 }, "silu"),
      ...body,
      ...activated(`features.${stages.length + 1}`, { filters: 1280, kernel: 1, stride: 1 }, "silu"),
      { _tag: "GlobalAveragePool" },
      { _tag: "Dropout", name: "classifier.0", rate: 0.2 },
      ...end.blocks
    ]
  }
}

const ends: ReadonlyArray<NamePair> = [
  ["conv_stem.", "features.0.0."],
  ["bn1.", "features.0.1."],
  ["conv_head.", "features.8.0."],
  ["bn2.", "features.8.1."],
  ["classifier.weight", "classifier.1.weight"],
  ["classifier.bias", "classifier.1.bias"]
]

/** The first stage has no expansion; all others have one. */
const first: ReadonlyArray<NamePair> = [
  ["conv_dw.", "0.0."],
  ["bn1.", "0.1."],
  ["se.conv_reduce.", "1.fc1."],
  ["se.conv_expand.", "1.fc2."],
  ["conv_pw.", "2.0."],
  ["bn2.", "2.1."]
]
const others: ReadonlyArray<NamePair> = [
  ["conv_pw.", "0.0."],
  ["bn1.", "0.1."],
  ["conv_dw.", "1.0."],
  ["bn2.", "1.1."],
  ["se.conv_reduce.", "2.fc1."],
  ["se.conv_expand.", "2.fc2."],
  ["conv_pwl.", "3.0."],
  ["bn3.", "3.1."]
]

const toOurs = (name: string): string => {
  const match = threeGroups(/^blocks\.([0-6])\.(\d+)\.(.*)$/, name)
  if (match === undefined) return renamed(ends, name, "ours")
  const [stage, index, rest] = match
  return `features.${Number(stage) + 1}.${index}.block.${renamed(stage === "0" ? first : others, rest, "ours")}`
}

const toTimm = (name: string): string => {
  const match = threeGroups(/^features\.(\d+)\.(\d+)\.block\.(.*)$/, name)
  if (match === undefined) return renamed(ends, name, "timm")
  const [stage, index, rest] = match
  return `blocks.${Number(stage) - 1}.${index}.${renamed(stage === "1" ? first : others, rest, "timm")}`
}

/**
 * EfficientNet-B0, with torchvision's names (`features.N…`, `classifier.1`).
 *
 * Any input; at 224x224 the last image is 7x7. With the head `fc` and 1,000 classes it is the original, of 5,288,548
 * parameters; the dropout of 0.2 before the head and the stochastic depth up to 0.2 stay. Weights trained by TensorFlow
 * want the padding `same`. Sources: Tan and Le, EfficientNet, 2019; torchvision's efficientnet_b0; for timm's names its
 * efficientnet_b0 (efficientnet.py).
 */
export const efficientnetB0: Architecture<"efficientnet-b0"> = {
  name: "efficientnet-b0",
  build,
  classifier: "classifier.1",
  hasHeads: true,
  hasPadding: true,
  timm: { toOurs, toTimm }
}
