import type { Block } from "../Block.ts"
import type { Network } from "../Network.ts"
import type { Head } from "./heads.ts"
import { head } from "./heads.ts"

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

/** Which pixels surround an image: PyTorch's, the same on all sides, or TensorFlow's `same`. */
export type EdgePadding = "symmetric" | "same"

/**
 * MobileNetV2 of width 1, with torchvision's names (`features.N…`, `classifier.1`) and order.
 *
 * Any input; at 224x224 the last image is 7x7. With the head `fc` and 1,000 classes it is the original, of 3,504,872
 * parameters; the dropout of 0.2 before the head stays. Weights trained by TensorFlow want the padding `same`.
 * Source: Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018.
 */
export const mobilenetV2 = (options: {
  readonly height: number
  readonly width: number
  readonly classes: number
  readonly head: Head
  readonly padding: EdgePadding
}): Network => {
  const { classes, height, width } = options
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
  const rectified = (name: string, block: Omit<Convolution, "name">): ReadonlyArray<Block> => [
    ...normalised({ ...block, name: `${name}.0` }, `${name}.1`),
    { _tag: "Activation", kind: "relu6" }
  ]
  /** One inverted residual: to more channels, each filtered by itself, and back to few without a rectifier. */
  const inverted = (name: string, before: number, expansion: number, channels: number, stride: number) => {
    const expand =
      expansion === 1 ? [] : rectified(`${name}.conv.0`, { filters: before * expansion, kernel: 1, stride: 1 })
    const next = expansion === 1 ? 0 : 1
    const blocks = [
      ...expand,
      ...rectified(`${name}.conv.${next}`, { filters: undefined, kernel: 3, stride }),
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
    classes,
    blocks: [
      ...rectified("features.0", { filters: 32, kernel: 3, stride: 2 }),
      ...middle,
      ...rectified(`features.${index}`, { filters: 1280, kernel: 1, stride: 1 }),
      { _tag: "GlobalAveragePool" },
      { _tag: "Dropout", name: "classifier.0", rate: 0.2 },
      ...head(options.head, "classifier.1", classes)
    ]
  }
}
