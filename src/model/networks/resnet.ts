import { Array as Arrays } from "effect"
import type { Architecture, NetworkOptions } from "../Architecture.ts"
import type { Block } from "../Block.ts"
import type { Network } from "../Network.ts"
import { headedEnd } from "./heads.ts"

/** Channels of the four stages; a bottleneck ends with four times as many. */
const stages = [64, 128, 256, 512] as const

const relu: Block = { _tag: "Activation", kind: "relu" }

/** A convolution without bias whose output is as large as its input over the stride, and its batch norm. */
const normalised = (name: string, norm: string, filters: number, kernel: 1 | 3 | 7, stride: number): Array<Block> => [
  {
    _tag: "Conv2d",
    name,
    filters,
    kernel: [kernel, kernel],
    stride,
    padding: (kernel - 1) / 2,
    bias: false,
    init: "he-normal-fan-out"
  },
  { _tag: "BatchNorm", name: norm, eps: 1e-5, momentum: 0.1 }
]

/** The kernels of a block's convolutions: two of 3x3, or a bottleneck of 1x1, 3x3, 1x1. */
const kernels = { basic: [3, 3], bottleneck: [1, 3, 1] } as const

interface Layout {
  readonly name: string
  readonly block: keyof typeof kernels
  /** Blocks of each stage. */
  readonly depths: readonly [number, number, number, number]
}

const build =
  ({ block, depths, name }: Layout) =>
  (options: NetworkOptions): Network => {
    const { height, width } = options
    const end = headedEnd(options, "fc")
    const expansion = block === "bottleneck" ? 4 : 1
    const residual = (path: string, before: number, channels: number, stride: number): Array<Block> => {
      const after = channels * expansion
      const convolutions = kernels[block].map((kernel, i, all) =>
        normalised(
          `${path}.conv${i + 1}`,
          `${path}.bn${i + 1}`,
          i === all.length - 1 ? after : channels,
          kernel,
          // The first 3x3 has the stride: of a bottleneck the second convolution, as torchvision has it ("v1.5").
          i === kernels[block].indexOf(3) ? stride : 1
        )
      )
      const blocks = convolutions.flatMap((one, i) => (i === 0 ? one : [relu, ...one]))
      const shortcut = normalised(`${path}.downsample.0`, `${path}.downsample.1`, after, 1, stride)
      const isSame = stride === 1 && before === after
      return [{ _tag: "Residual", blocks, ...(!isSame && { shortcut }) }, relu]
    }
    const body: Array<Block> = []
    let before = 64
    for (const [i, [channels, depth]] of Arrays.zip(stages, depths).entries())
      for (let at = 0; at < depth; at++) {
        body.push(...residual(`layer${i + 1}.${at}`, before, channels, i > 0 && at === 0 ? 2 : 1))
        before = channels * expansion
      }
    return {
      name,
      height,
      width,
      ...end.logits,
      blocks: [
        ...normalised("conv1", "bn1", 64, 7, 2),
        relu,
        { _tag: "MaxPool", size: 3, stride: 2, padding: 1 },
        ...body,
        { _tag: "GlobalAveragePool" },
        ...end.blocks
      ]
    }
  }

/** timm's names are torchvision's, and ours. */
const sameNames = { toOurs: (name: string) => name, toTimm: (name: string) => name }

/**
 * ResNet-18: 11,689,512 parameters with the head `fc` and 1,000 classes. Any input; at 224x224 the last image is 7x7.
 *
 * Source: He et al., Deep Residual Learning for Image Recognition, 2015; names and order are torchvision's.
 */
export const resnet18: Architecture<"resnet18"> = {
  name: "resnet18",
  build: build({ name: "resnet18", block: "basic", depths: [2, 2, 2, 2] }),
  classifier: "fc",
  hasHeads: true,
  hasPadding: false,
  timm: sameNames
}

/**
 * ResNet-50: 25,557,032 parameters with the head `fc` and 1,000 classes. Any input; at 224x224 the last image is 7x7.
 *
 * Source: He et al., 2015, with the stride in the bottleneck's 3x3 convolution as in torchvision; its names and order.
 */
export const resnet50: Architecture<"resnet50"> = {
  name: "resnet50",
  build: build({ name: "resnet50", block: "bottleneck", depths: [3, 4, 6, 3] }),
  classifier: "fc",
  hasHeads: true,
  hasPadding: false,
  timm: sameNames
}
