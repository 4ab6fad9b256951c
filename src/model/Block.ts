import { Schema } from "effect"

/** Positive whole numbers for height and width. */
const Pair = Schema.Tuple([Schema.Int, Schema.Int])

/**
 * What surrounds an image before a kernel slides over it: a number is that many pixels on each side (PyTorch's
 * `padding`), `same` is TensorFlow's: output = ceil(input / stride), what is odd goes to the bottom and the right.
 */
export const Padding = Schema.Union([Schema.Literal("same"), Schema.Natural])
export type Padding = typeof Padding.Type

/** How a weight begins. `torch` is PyTorch's default: uniform within 1 / sqrt(fanIn), biases too. */
export const Initialiser = Schema.Literals(["torch", "xavier-uniform", "he-normal", "he-normal-fan-out", "normal-0.01"])
export type Initialiser = typeof Initialiser.Type

const Named = { name: Schema.NonEmptyString }

/** `name.weight` (filters, inputs, height, width), `name.bias` (filters). */
export const Conv2d = Schema.TaggedStruct("Conv2d", {
  ...Named,
  filters: Schema.Int,
  kernel: Pair,
  stride: Schema.Int,
  padding: Padding,
  bias: Schema.Boolean,
  init: Initialiser
})

/** One filter for each channel: `name.weight` (channels, 1, height, width). */
export const DepthwiseConv2d = Schema.TaggedStruct("DepthwiseConv2d", {
  ...Named,
  kernel: Pair,
  stride: Schema.Int,
  padding: Padding,
  bias: Schema.Boolean,
  init: Initialiser
})

/**
 * Over the last axis. In training, normalises by the batch's mean and biased variance, and moves the running statistics
 * by `momentum` towards the batch's mean and *unbiased* variance, as PyTorch does.
 */
export const BatchNorm = Schema.TaggedStruct("BatchNorm", { ...Named, eps: Schema.Finite, momentum: Schema.Finite })

export const Activation = Schema.TaggedStruct("Activation", { kind: Schema.Literals(["relu", "relu6"]) })

/** What does not fill a last window is left out (PyTorch's `ceil_mode=False`). */
export const MaxPool = Schema.TaggedStruct("MaxPool", { size: Schema.Int, stride: Schema.Int, padding: Padding })

/** The mean over height and width: NHWC to (N, C). */
export const GlobalAveragePool = Schema.TaggedStruct("GlobalAveragePool", {})

/**
 * The mean over the pixels of each of `size` (rows, columns) windows, which share what does not divide: window i of n
 * over a length L goes from floor(i L / n) to ceil((i + 1) L / n). PyTorch's `AdaptiveAvgPool2d`.
 */
export const AdaptiveAveragePool = Schema.TaggedStruct("AdaptiveAveragePool", { size: Pair })

/** NHWC to (N, C * H * W) in PyTorch's order: channel, row, column. */
export const Flatten = Schema.TaggedStruct("Flatten", {})

/** `name.weight` (units, inputs), `name.bias` (units). */
export const Dense = Schema.TaggedStruct("Dense", {
  ...Named,
  units: Schema.Int,
  bias: Schema.Boolean,
  init: Initialiser
})

/** In training, zeroes a share `rate` of the values and scales the rest by 1 / (1 - rate); else does nothing. */
export const Dropout = Schema.TaggedStruct("Dropout", { ...Named, rate: Schema.Finite })

/**
 * An ONNX file in front of a network's other blocks: images in, `features` numbers of each out. It has no weights that
 * could be trained; its bytes travel beside the network's tensors, and `sha256` names them.
 */
export const Onnx = Schema.TaggedStruct("Onnx", {
  sha256: Schema.String,
  features: Schema.Int,
  /** How many images it takes at once, no more and no fewer; null for any number. */
  batch: Schema.NullOr(Schema.Int)
})

/** Adds its input, or what its shortcut makes of it (a projection to another size), to what its blocks make of it. */
export interface Residual {
  readonly _tag: "Residual"
  readonly blocks: ReadonlyArray<Block>
  readonly shortcut?: ReadonlyArray<Block>
}

/** The heads of a network with several label columns: each applies its blocks to the same input; all logits, in a row. */
export interface Heads {
  readonly _tag: "Heads"
  readonly heads: ReadonlyArray<{ readonly blocks: ReadonlyArray<Block> }>
}

/** A part of a network. */
export type Block =
  | typeof Conv2d.Type
  | typeof DepthwiseConv2d.Type
  | typeof BatchNorm.Type
  | typeof Activation.Type
  | typeof MaxPool.Type
  | typeof GlobalAveragePool.Type
  | typeof AdaptiveAveragePool.Type
  | typeof Flatten.Type
  | typeof Dense.Type
  | typeof Dropout.Type
  | typeof Onnx.Type
  | Residual
  | Heads

const Blocks = Schema.Array(Schema.suspend((): Schema.Codec<Block> => Block))

export const Residual = Schema.TaggedStruct("Residual", {
  blocks: Blocks,
  shortcut: Schema.optionalKey(Blocks)
})

export const Heads = Schema.TaggedStruct("Heads", { heads: Schema.Array(Schema.Struct({ blocks: Blocks })) })

export const Block = Schema.Union([
  Conv2d,
  DepthwiseConv2d,
  BatchNorm,
  Activation,
  MaxPool,
  GlobalAveragePool,
  AdaptiveAveragePool,
  Flatten,
  Dense,
  Dropout,
  Onnx,
  Residual,
  Heads
])

/** The lists of blocks inside a block, each of which gets the block's own input; none where there are none. */
export const insideOf = (block: Block): ReadonlyArray<ReadonlyArray<Block>> =>
  block._tag === "Residual"
    ? [block.blocks, block.shortcut ?? []]
    : block._tag === "Heads"
      ? block.heads.map(({ blocks }) => blocks)
      : []
