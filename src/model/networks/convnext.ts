import { Array as Arrays } from "effect"
import type { Architecture, NetworkOptions } from "../Architecture.ts"
import type { Block } from "../Block.ts"
import type { Network } from "../Network.ts"
import type { Tensor } from "../Tensor.ts"
import { headedEnd } from "./heads.ts"
import type { NamePair } from "./renamed.ts"
import { renamed, threeGroups } from "./renamed.ts"

type Four = readonly [number, number, number, number]

interface Layout {
  readonly name: string
  /** Channels and blocks of each stage. */
  readonly widths: Four
  readonly depths: Four
  /** Of the last block, and a share of it of those before. */
  readonly stochasticDepth: number
}

const eps = 1e-6

const build =
  ({ depths, name, stochasticDepth, widths }: Layout) =>
  (options: NetworkOptions): Network => {
    const { height, width } = options
    const end = headedEnd(options, "classifier.2")
    const norm = (name: string): Block => ({ _tag: "LayerNorm", name, eps })
    const dense = (name: string, units: number): Block => ({
      _tag: "Dense",
      name,
      units,
      bias: true,
      init: "normal-0.02"
    })
    /** A convolution of squares that do not overlap. */
    const patches = (name: string, filters: number, side: number): Block => ({
      _tag: "Conv2d",
      name,
      filters,
      kernel: [side, side],
      stride: side,
      padding: 0,
      bias: true,
      init: "normal-0.02"
    })
    const last = depths.reduce((sum, depth) => sum + depth, 0) - 1
    const residual = (path: string, channels: number, rate: number): Block => ({
      _tag: "Residual",
      blocks: [
        {
          _tag: "DepthwiseConv2d",
          name: `${path}.block.0`,
          kernel: [7, 7],
          stride: 1,
          padding: 3,
          bias: true,
          init: "normal-0.02"
        },
        norm(`${path}.block.2`),
        dense(`${path}.block.3`, 4 * channels),
        { _tag: "Activation", kind: "gelu" },
        dense(`${path}.block.5`, channels),
        { _tag: "LayerScale", name: `${path}.layer_scale`, initial: 1e-6 },
        ...(rate === 0 ? [] : [{ _tag: "StochasticDepth", name: `${path}.stochastic_depth`, rate } satisfies Block])
      ]
    })
    let index = 0
    const body = Arrays.zip(widths, depths).flatMap(([channels, depth], stage): ReadonlyArray<Block> => {
      const at = 2 * stage
      const before: ReadonlyArray<Block> =
        stage === 0
          ? [patches("features.0.0", channels, 4), norm("features.0.1")]
          : [norm(`features.${at}.0`), patches(`features.${at}.1`, channels, 2)]
      const blocks = Array.from({ length: depth }, (_, i) =>
        residual(`features.${at + 1}.${i}`, channels, (stochasticDepth * index++) / last)
      )
      return [...before, ...blocks]
    })
    return {
      name,
      height,
      width,
      ...end.logits,
      blocks: [...body, { _tag: "GlobalAveragePool" }, norm("classifier.0"), ...end.blocks]
    }
  }

const ends: ReadonlyArray<NamePair> = [
  ["stem.", "features.0."],
  ["head.norm.", "classifier.0."],
  ["head.fc.", "classifier.2."]
]

const inside: ReadonlyArray<NamePair> = [
  ["conv_dw.", "block.0."],
  ["norm.", "block.2."],
  ["mlp.fc1.", "block.3."],
  ["mlp.fc2.", "block.5."],
  ["gamma", "layer_scale"]
]

const toOurs = (name: string): string => {
  const match = /^stages\.(\d+)\.(?:downsample\.(.*)|blocks\.(\d+)\.(.*))$/.exec(name)
  if (match === null) return renamed(ends, name, "ours")
  const [, stage, down, index, rest = ""] = match
  return down === undefined
    ? `features.${2 * Number(stage) + 1}.${index}.${renamed(inside, rest, "ours")}`
    : `features.${2 * Number(stage)}.${down}`
}

const toTimm = (name: string): string => {
  const match = threeGroups(/^features\.([1-7])\.(\d+)\.(.*)$/, name)
  if (match === undefined) return renamed(ends, name, "timm")
  const [at, index, rest] = match
  const stage = Math.floor(Number(at) / 2)
  return Number(at) % 2 === 0
    ? `stages.${stage}.downsample.${index}.${rest}`
    : `stages.${stage}.blocks.${index}.${renamed(inside, rest, "timm")}`
}

/** timm's layer scale is a vector; the smaller networks' two dense layers are convolutions of single pixels there. */
const reshaped =
  (hasConvolutions: boolean) =>
  (name: string, { data, shape }: Tensor): Tensor => ({
    data,
    shape: name.endsWith(".gamma")
      ? shape.slice(0, 1)
      : hasConvolutions && /\.mlp\.fc[12]\.weight$/.test(name)
        ? [...shape, 1, 1]
        : shape
  })

const layouts = {
  tiny: { name: "convnext-tiny", depths: [3, 3, 9, 3], widths: [96, 192, 384, 768], stochasticDepth: 0.1 },
  atto: { name: "convnext-atto", depths: [2, 2, 6, 2], widths: [40, 80, 160, 320], stochasticDepth: 0 }
} as const satisfies Readonly<Record<string, Layout>>

const facts = { classifier: "classifier.2", hasHeads: true, hasPadding: false } as const

/**
 * ConvNeXt-Tiny: 28,589,128 parameters with the head `fc` and 1,000 classes. Any input of 32 pixels or more; at 224x224
 * the last image is 7x7. Stochastic depth up to 0.1 stays, as torchvision has it.
 *
 * Sources: Liu et al., A ConvNet for the 2020s, 2022; names are torchvision's convnext_tiny; for timm's its
 * convnext_tiny (convnext.py).
 */
export const convnextTiny: Architecture<"convnext-tiny"> = {
  name: "convnext-tiny",
  build: build(layouts.tiny),
  ...facts,
  timm: { toOurs, toTimm, reshaped: reshaped(false) }
}

/**
 * ConvNeXt-Atto: 3,695,520 parameters with the head `fc` and 1,000 classes; named as torchvision would. Source: timm's
 * convnext_atto (convnext.py), the smallest that has published weights.
 */
export const convnextAtto: Architecture<"convnext-atto"> = {
  name: "convnext-atto",
  build: build(layouts.atto),
  ...facts,
  timm: { toOurs, toTimm, reshaped: reshaped(true) }
}
