import { elementAt } from "../pipeline/elementAt.ts"
import { insideOf } from "./Block.ts"
import type { Block, Conv2d, DepthwiseConv2d, Initialiser, MaxPool, Padding } from "./Block.ts"
import type { Network } from "./Network.ts"
import { sizeOf } from "./Tensor.ts"

/**
 * Height, width and channels of an image-shaped value, tokens and channels, or the length of a flat value; without the
 * batch.
 */
export type Shape =
  | readonly [height: number, width: number, channels: number]
  | readonly [tokens: number, channels: number]
  | readonly [length: number]

/** A value as an image of the same numbers: tokens as its only column, a flat value as its only pixel. */
export const asImage = (shape: Shape): readonly [height: number, width: number, channels: number] =>
  shape.length === 3 ? shape : shape.length === 2 ? [shape[0], 1, shape[1]] : [1, 1, shape[0]]

/** A tensor that a block owns. */
export interface Parameter {
  /** PyTorch's name. */
  readonly name: string
  /** PyTorch's layout. */
  readonly shape: ReadonlyArray<number>
  /** Changed by gradients; the running statistics of a batch norm are not. */
  readonly trainable: boolean
  /** How it begins: by the block's initialiser, or with a constant. */
  readonly init: { readonly kind: Initialiser; readonly fanIn: number; readonly fanOut: number } | number
}

/** Pixels of padding before and after, and the output's length, along one axis. */
export const window = (input: number, kernel: number, stride: number, padding: Padding) => {
  if (padding !== "same")
    return { before: padding, after: padding, output: Math.floor((input + 2 * padding - kernel) / stride) + 1 }
  const output = Math.ceil(input / stride)
  const total = Math.max(0, (output - 1) * stride + kernel - input)
  return { before: total >> 1, after: total - (total >> 1), output }
}

/**
 * A window that slides over images, in pixels: a convolution's kernel, or what a pooling looks at. What it covers outside
 * an image is padding.
 */
export interface Window {
  /** Of the images. */
  readonly height: number
  readonly width: number
  readonly kernelHeight: number
  readonly kernelWidth: number
  readonly stride: number
  /** Padding. */
  readonly top: number
  readonly bottom: number
  readonly left: number
  readonly right: number
  /** Of the output. */
  readonly outHeight: number
  readonly outWidth: number
}

/** What a block says of its window: a kernel's height and width, or the side of a square. */
export type Sliding = Pick<typeof Conv2d.Type, "kernel" | "stride" | "padding"> | Omit<typeof MaxPool.Type, "_tag">

/** The window of a block on images of a height and width. */
export const windowOf = (
  block: Sliding,
  [height, width]: readonly [height: number, width: number, ...rest: ReadonlyArray<number>]
): Window => {
  const { padding, stride } = block
  const [kernelHeight, kernelWidth] = "size" in block ? [block.size, block.size] : block.kernel
  const rows = window(height, kernelHeight, stride, padding)
  const columns = window(width, kernelWidth, stride, padding)
  return {
    height,
    width,
    kernelHeight,
    kernelWidth,
    stride,
    top: rows.before,
    bottom: rows.after,
    left: columns.before,
    right: columns.after,
    outHeight: rows.output,
    outWidth: columns.output
  }
}

/** A network that its input does not fit: which block, and what reaches it. */
export class ShapeMismatch extends Error {
  readonly block: string
  readonly input: Shape
  constructor(block: string, input: Shape, expected: string) {
    super(`the block ${block} gets ${input.join(" x ")}, and needs ${expected}`)
    this.block = block
    this.input = input
  }
}

/** Thrown where an ONNX file reaches an engine: `openModel` and `Features` keep it away from there. */
export const notOfEngines = () => new Error("an ONNX file is applied by onnxruntime alone")

const image = (block: Block, shape: Shape) => {
  if (shape.length !== 3) throw new ShapeMismatch(block._tag, shape, "an image (height x width x channels)")
  return shape
}

const tokens = (block: Block, shape: Shape) => {
  if (shape.length !== 2)
    throw new ShapeMismatch(
      "name" in block ? block.name : block._tag,
      shape,
      "tokens (tokens x channels): put a Tokens in front"
    )
  return shape
}

const flat = (block: Block, shape: Shape) => {
  if (shape.length !== 1)
    throw new ShapeMismatch(block._tag, shape, "a flat value: put a Flatten or a pooling in front")
  return shape
}

const slide = (
  block: typeof Conv2d.Type | typeof DepthwiseConv2d.Type | typeof MaxPool.Type,
  input: Shape,
  channels?: number
): Shape => {
  const shape = image(block, input)
  const { kernelHeight, kernelWidth, outHeight, outWidth } = windowOf(block, shape)
  if (outHeight < 1 || outWidth < 1)
    throw new ShapeMismatch(
      "name" in block ? block.name : block._tag,
      shape,
      `at least ${kernelHeight} x ${kernelWidth} pixels: the image is too small for this network`
    )
  return [outHeight, outWidth, channels ?? shape[2]]
}

/** The shape that a block gives for one that it gets; throws `ShapeMismatch` where it does not fit. */
export const outputShape = (block: Block, input: Shape): Shape => {
  switch (block._tag) {
    case "Conv2d":
      return slide(block, input, block.filters)
    case "DepthwiseConv2d":
    case "MaxPool":
      return slide(block, input)
    case "GlobalAveragePool":
      return [image(block, input)[2]]
    case "AdaptiveAveragePool":
      return [...block.size, image(block, input)[2]]
    case "Flatten":
      return [sizeOf(input.length === 2 ? input : image(block, input))]
    case "Dense":
      return input.length === 3
        ? [input[0], input[1], block.units]
        : input.length === 2
          ? [input[0], block.units]
          : [block.units]
    case "Tokens": {
      const [height, width, channels] = image(block, input)
      return [height * width, channels]
    }
    case "ClassToken": {
      const [count, channels] = tokens(block, input)
      return [count + 1, channels]
    }
    case "Attention": {
      const [, channels] = tokens(block, input)
      if (channels % block.heads !== 0)
        throw new ShapeMismatch(block.name, input, `a number of channels that its ${block.heads} heads divide`)
      return input
    }
    case "FirstToken":
      return [tokens(block, input)[1]]
    case "Onnx":
      image(block, input)
      return [block.features]
    case "Residual": {
      const output = outputOf(block.blocks, input)
      const beside = outputOf(block.shortcut ?? [], input)
      if (output.join() !== beside.join())
        throw new ShapeMismatch(
          "Residual",
          output,
          `${block.shortcut === undefined ? "its own input's" : "its shortcut's"} ${beside.join(" x ")}`
        )
      return output
    }
    case "Gate": {
      const [height, width, channels] = image(block, input)
      const factors = outputOf(block.blocks, input)
      const isPixel = factors.join() === [1, 1, channels].join()
      if (!isPixel && factors.join() !== input.join())
        throw new ShapeMismatch(
          "Gate",
          factors,
          `1 x 1 x ${channels} or ${height} x ${width} x ${channels} to multiply by`
        )
      return input
    }
    case "Heads":
      return [block.heads.reduce((sum, { blocks }) => sum + flat(block, outputOf(blocks, input))[0], 0)]
    case "PositionEmbedding":
      return tokens(block, input)
    case "LayerScale":
      return image(block, input)
    case "BatchNorm":
    case "LayerNorm":
    case "Activation":
    case "Dropout":
    case "StochasticDepth":
      return input
  }
}

/** The tensors that a block owns when it gets `input`, in PyTorch's order. */
export const parametersOfBlock = (block: Block, input: Shape): ReadonlyArray<Parameter> => {
  const channels = elementAt(input, input.length - 1)
  const weights = (shape: ReadonlyArray<number>, fanIn: number, fanOut: number, bias: boolean, length: number) => {
    const { init, name } = block as Extract<Block, { init: Initialiser }> // only blocks with weights call this
    const weight: Parameter = { name: `${name}.weight`, shape, trainable: true, init: { kind: init, fanIn, fanOut } }
    // PyTorch's default draws the bias within 1 / sqrt(fanIn) as well; the others begin at zero.
    const start = init === "torch" ? { kind: init, fanIn, fanOut } : 0
    return bias ? [weight, { name: `${name}.bias`, shape: [length], trainable: true, init: start }] : [weight]
  }
  switch (block._tag) {
    case "Conv2d": {
      const area = block.kernel[0] * block.kernel[1]
      const shape = [block.filters, channels, ...block.kernel]
      return weights(shape, channels * area, block.filters * area, block.bias, block.filters)
    }
    case "DepthwiseConv2d": {
      const area = block.kernel[0] * block.kernel[1]
      return weights([channels, 1, ...block.kernel], area, channels * area, block.bias, channels)
    }
    case "Dense":
      return weights([block.units, channels], channels, block.units, block.bias, block.units)
    case "BatchNorm": {
      const of = (name: string, init: number, trainable: boolean): Parameter => ({
        name: `${block.name}.${name}`,
        shape: [channels],
        trainable,
        init
      })
      return [of("weight", 1, true), of("bias", 0, true), of("running_mean", 0, false), of("running_var", 1, false)]
    }
    case "LayerNorm":
      return [
        { name: `${block.name}.weight`, shape: [channels], trainable: true, init: 1 },
        { name: `${block.name}.bias`, shape: [channels], trainable: true, init: 0 }
      ]
    case "LayerScale":
      return [{ name: block.name, shape: [channels, 1, 1], trainable: true, init: block.initial }]
    case "ClassToken":
      return [{ name: block.name, shape: [1, 1, channels], trainable: true, init: 0 }]
    case "PositionEmbedding": {
      const init = { kind: "normal-0.02", fanIn: channels, fanOut: channels } as const
      return [{ name: block.name, shape: [1, elementAt(input, 0), channels], trainable: true, init }]
    }
    case "Attention": {
      const { name } = block
      const inside = { kind: "xavier-uniform", fanIn: channels, fanOut: 3 * channels } as const
      const outside = { kind: "torch", fanIn: channels, fanOut: channels } as const
      return [
        { name: `${name}.in_proj_weight`, shape: [3 * channels, channels], trainable: true, init: inside },
        { name: `${name}.in_proj_bias`, shape: [3 * channels], trainable: true, init: 0 },
        { name: `${name}.out_proj.weight`, shape: [channels, channels], trainable: true, init: outside },
        { name: `${name}.out_proj.bias`, shape: [channels], trainable: true, init: 0 }
      ]
    }
    default:
      return insideOf(block).flatMap((blocks) => parametersOf(blocks, input))
  }
}

const parametersOf = (blocks: ReadonlyArray<Block>, input: Shape): ReadonlyArray<Parameter> => {
  const all: Array<Parameter> = []
  let shape = input
  for (const block of blocks) {
    all.push(...parametersOfBlock(block, shape))
    shape = outputShape(block, shape)
  }
  return all
}

/** What goes into a network, without the batch. */
export const inputShape = ({ channels = 3, height, width }: Omit<Network, "blocks" | "classes">) =>
  [height, width, channels] as const

/** What comes out of blocks; throws `ShapeMismatch` where one does not fit. */
export const outputOf = (blocks: ReadonlyArray<Block>, input: Shape): Shape =>
  blocks.reduce<Shape>((shape, block) => outputShape(block, shape), input)

/** All tensors of a network, in PyTorch's order; throws `ShapeMismatch` where a block does not fit its input. */
export const parameters = (network: Network): ReadonlyArray<Parameter> =>
  parametersOf(network.blocks, inputShape(network))

/**
 * How many numbers of some tensors are parameters, as PyTorch's `parameters()` has them: the running statistics of batch
 * norms are buffers.
 */
export const countParameters = (tensors: ReadonlyArray<Parameter>): number =>
  tensors.reduce((sum, { shape, trainable }) => (trainable ? sum + sizeOf(shape) : sum), 0)

/** Throws `ShapeMismatch` where a block does not fit its input, or the last one does not give the classes' logits. */
export const checkNetwork = (network: Network): void => {
  const output = outputOf(network.blocks, inputShape(network))
  if (output.length !== 1 || output[0] !== network.classes)
    throw new ShapeMismatch("the last one", output, `${network.classes} logits`)
}

/** How many images a network takes at once, no more and no fewer; null for any number. */
export const fixedBatch = ({ blocks }: Pick<Network, "blocks">): number | null =>
  blocks[0]?._tag === "Onnx" ? blocks[0].batch : null
