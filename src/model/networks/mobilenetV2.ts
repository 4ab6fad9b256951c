import type { Architecture, NetworkOptions } from "../Architecture.ts"
import type { Block } from "../Block.ts"
import type { Network } from "../Network.ts"
import { headedEnd } from "./heads.ts"
import type { NamePair } from "./renamed.ts"
import { renamed, threeGroups, twoGroups } from "./renamed.ts"

/** A convolution without bias, or one of each channel by itself; the output is as large as the input over the stride. */
interface Convolution {
  readonly name: string
  /** Filters; undefined for one filter a channel. */
  readonly filters: number | undefined
  readonly kernel: 1 | 3
  readonly stride: number
}

/** Expansion, channels, blocks and first stride of each stage. Source: Sandler et al., 2018, table 2. */
const stages = [
  { expansion: 1, channels: 16, blocks: 1, stride: 1 },
  { expansion: 6, channels: 24, blocks: 2, stride: 2 },
  { expansion: 6, channels: 32, blocks: 3, stride: 2 },
  { expansion: 6, channels: 64, blocks: 4, stride: 2 },
  { expansion: 6, channels: 96, blocks: 3, stride: 1 },
  { expansion: 6, channels: 160, blocks: 3, stride: 2 },
  { expansion: 6, channels: 320, blocks: 1, stride: 1 }
] as const

const build = (options: NetworkOptions): Network => {
  const { height, width } = options
  const end = headedEnd(options, "classifier.1")
  const convolution = ({ filters, kernel, name, stride }: Convolution): Block => {
    const shared = {
      name,
      kernel: [kernel, kernel],
      stride,
      padding: options.padding === "same" ? "same" : (kernel - 1) / 2,
      bias: false,
      init: "he-normal-fan-out"
    } as const
    return filters === undefined ? { _tag: "DepthwiseConv2d", ...shared } : { _tag: "Conv2d", ...shared, filters }
  }
  const normalised = (block: Convolution, norm: string): ReadonlyArray<Block> => [
    convolution(block),
    { _tag: "BatchNorm", name: norm, eps: 1e-5, momentum: 0.1 }
  ]
  const activated = (name: string, block: Omit<Convolution, "name">): ReadonlyArray<Block> => [
    ...normalised({ ...block, name: `${name}.0` }, `${name}.1`),
    { _tag: "Activation", kind: "relu6" }
  ]
  /** One inverted residual: to more channels, each filtered by itself, and back to few without an activation. */
  const inverted = (name: string, before: number, expansion: number, channels: number, stride: number) => {
    const expand =
      expansion === 1 ? [] : activated(`${name}.conv.0`, { filters: before * expansion, kernel: 1, stride: 1 })
    const next = expansion === 1 ? 0 : 1
    const blocks = [
      ...expand,
      ...activated(`${name}.conv.${next}`, { filters: undefined, kernel: 3, stride }),
      ...normalised(
        { name: `${name}.conv.${next + 1}`, filters: channels, kernel: 1, stride: 1 },
        `${name}.conv.${next + 2}`
      )
    ]
    return stride === 1 && before === channels ? [{ _tag: "Residual", blocks } satisfies Block] : blocks
  }
  const middle: Array<Block> = []
  let before = 32
  let index = 1
  for (const { blocks, channels, expansion, stride } of stages)
    for (let i = 0; i < blocks; i++, index++) {
      middle.push(...inverted(`features.${index}`, before, expansion, channels, i === 0 ? stride : 1))
      before = channels
    }
  return {
    name: "mobilenet-v2",
    height,
    width,
    ...end.logits,
    blocks: [
      ...activated("features.0", { filters: 32, kernel: 3, stride: 2 }),
      ...middle,
      ...activated(`features.${index}`, { filters: 1280, kernel: 1, stride: 1 }),
      { _tag: "GlobalAveragePool" },
      { _tag: "Dropout", name: "classifier.0", rate: 0.2 },
      ...end.blocks
    ]
  }
}

/** Blocks before each stage of MobileNetV2, counting the stem: `blocks.STAGE.INDEX` is `features.(start + INDEX)`. */
const stageStarts = [1, 2, 4, 7, 11, 14, 17]

const ends: ReadonlyArray<NamePair> = [
  ["conv_stem.", "features.0.0."],
  ["bn1.", "features.0.1."],
  ["conv_head.", "features.18.0."],
  ["bn2.", "features.18.1."],
  ["classifier.weight", "classifier.1.weight"],
  ["classifier.bias", "classifier.1.bias"]
]

/** The first block has no expansion; all others have one. */
const first: ReadonlyArray<NamePair> = [
  ["conv_dw.", "0.0."],
  ["bn1.", "0.1."],
  ["conv_pw.", "1."],
  ["bn2.", "2."]
]
const others: ReadonlyArray<NamePair> = [
  ["conv_pw.", "0.0."],
  ["bn1.", "0.1."],
  ["conv_dw.", "1.0."],
  ["bn2.", "1.1."],
  ["conv_pwl.", "2."],
  ["bn3.", "3."]
]

const toOurs = (name: string): string => {
  const match = threeGroups(/^blocks\.(\d+)\.(\d+)\.(.*)$/, name)
  if (match === undefined) return renamed(ends, name, "ours")
  const [stage, index, rest] = match
  const inner = renamed(stage === "0" ? first : others, rest, "ours")
  return `features.${(stageStarts[Number(stage)] ?? NaN) + Number(index)}.conv.${inner}`
}

const toTimm = (name: string): string => {
  const match = twoGroups(/^features\.(\d+)\.conv\.(.*)$/, name)
  if (match === undefined) return renamed(ends, name, "timm")
  const [index, rest] = match
  const stage = stageStarts.findLastIndex((start) => start <= Number(index))
  const inner = renamed(stage === 0 ? first : others, rest, "timm")
  return `blocks.${stage}.${Number(index) - (stageStarts[stage] ?? NaN)}.${inner}`
}

/**
 * MobileNetV2 of width 1, with torchvision's names (`features.N…`, `classifier.1`) and order.
 *
 * Any input; at 224x224 the last image is 7x7. With the head `fc` and 1,000 classes it is the original, of 3,504,872
 * parameters; the dropout of 0.2 before the head stays. Weights trained by TensorFlow want the padding `same`.
 * Sources: Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018; for timm's names its
 * mobilenetv2_100 (efficientnet.py).
 */
export const mobilenetV2: Architecture<"mobilenet-v2"> = {
  name: "mobilenet-v2",
  build,
  classifier: "classifier.1",
  hasHeads: true,
  hasPadding: true,
  timm: { toOurs, toTimm }
}
