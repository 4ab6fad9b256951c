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
export const Initialiser = Schema.Literals([
  "torch",
  "xavier-uniform",
  "he-normal",
  "he-normal-fan-out",
  "lecun-normal",
  "normal-0.01",
  "normal-0.02"
])
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

/**
 * A function of each value; NaN stays NaN.
 *
 * `relu` is max(x, 0), `relu6` min(relu(x), 6), `sigmoid` 1 / (1 + exp(-x)), `silu` x sigmoid(x), `hard-sigmoid`
 * relu6(x + 3) / 6, `hard-swish` x relu6(x + 3) / 6, and `gelu` the exact one: x (1 + erf(x / sqrt 2)) / 2. Sources:
 * PyTorch's modules of these names; Howard et al., Searching for MobileNetV3, 2019, section 5.2; Hendrycks and Gimpel,
 * Gaussian Error Linear Units, 2016.
 */
export const Activation = Schema.TaggedStruct("Activation", {
  kind: Schema.Literals(["relu", "relu6", "sigmoid", "silu", "hard-sigmoid", "hard-swish", "gelu"])
})

/** An activation that clamps: its gradient can be made from what it gave. All others need what they were given. */
export type Clamp = typeof Activation.Type & { readonly kind: "relu" | "relu6" }

/** Whether a block is an activation that clamps. */
export const isClamp = (block: Block | undefined): block is Clamp =>
  block?._tag === "Activation" && (block.kind === "relu" || block.kind === "relu6")

/** What does not fill a last window is left out (PyTorch's `ceil_mode=False`). */
export const MaxPool = Schema.TaggedStruct("MaxPool", { size: Schema.Int, stride: Schema.Int, padding: Padding })

/** The mean over height and width: NHWC to (N, C). */
export const GlobalAveragePool = Schema.TaggedStruct("GlobalAveragePool", {})

/**
 * The mean over the pixels of each of `size` (rows, columns) windows, which share what does not divide: window i of n
 * over a length L goes from floor(i L / n) to ceil((i + 1) L / n). PyTorch's `AdaptiveAvgPool2d`.
 */
export const AdaptiveAveragePool = Schema.TaggedStruct("AdaptiveAveragePool", { size: Pair })

/** NHWC to (N, C * H * W) in PyTorch's order: channel, row, column. Tokens (N, T, C) to (N, T * C), as they lie. */
export const Flatten = Schema.TaggedStruct("Flatten", {})

/**
 * A linear map of the last axis: of a flat value, of each pixel of an image, of each token. PyTorch's `Linear`, which gets
 * images in NHWC order. `name.weight` (units, inputs), `name.bias` (units).
 */
export const Dense = Schema.TaggedStruct("Dense", {
  ...Named,
  units: Schema.Int,
  bias: Schema.Boolean,
  init: Initialiser
})

/** In training, zeroes a share `rate` of the values and scales the rest by 1 / (1 - rate); else does nothing. */
export const Dropout = Schema.TaggedStruct("Dropout", { ...Named, rate: Schema.Finite })

/**
 * In training, zeroes what it gets of an image, with probability `rate`, and scales the rest by 1 / (1 - rate); else does
 * nothing. One draw an image, in the batch's order, as a `Dropout` of one value an image draws it.
 *
 * Source: Huang et al., Deep Networks with Stochastic Depth, 2016; torchvision's `StochasticDepth` of mode `row`.
 */
export const StochasticDepth = Schema.TaggedStruct("StochasticDepth", { ...Named, rate: Schema.Finite })

/**
 * Normalises the last axis of each row, pixel or token: weight (x - mean) / sqrt(variance + eps) + bias, with the biased
 * variance. `name.weight` (channels), `name.bias` (channels). The same in training and inference.
 *
 * Source: Ba et al., Layer Normalization, 2016; PyTorch's `LayerNorm`, and torchvision's `LayerNorm2d`.
 */
export const LayerNorm = Schema.TaggedStruct("LayerNorm", { ...Named, eps: Schema.Finite })

/**
 * Multiplies each channel of images by a weight of its own: the tensor `name` (channels, 1, 1), which begins as `initial`.
 *
 * Source: Touvron et al., Going deeper with Image Transformers, 2021; torchvision's `CNBlock.layer_scale`.
 */
export const LayerScale = Schema.TaggedStruct("LayerScale", { ...Named, initial: Schema.Finite })

/** The pixels of images as tokens, row by row: NHWC to (N, H * W, C), the same numbers in the same order. */
export const Tokens = Schema.TaggedStruct("Tokens", {})

/** Puts a token of its own in front of all others: the tensor `name` (1, 1, channels). (N, T, C) to (N, T + 1, C). */
export const ClassToken = Schema.TaggedStruct("ClassToken", Named)

/** Adds a vector of its own to each token, by its place: the tensor `name` (1, tokens, channels). */
export const PositionEmbedding = Schema.TaggedStruct("PositionEmbedding", Named)

/**
 * Multi-head self-attention: (N, T, C) to (N, T, C), without a mask and without dropout.
 *
 * With d = C / heads, each head h has q, k and v of its own d channels, softmax(q kᵀ / sqrt d) v, and all heads' results
 * side by side go through a linear map. `name.in_proj_weight` (3 C, C) and `name.in_proj_bias` (3 C) are the rows of all
 * heads' q, then k, then v; `name.out_proj.weight` (C, C), `name.out_proj.bias` (C).
 *
 * Source: Vaswani et al., Attention Is All You Need, 2017; PyTorch's `MultiheadAttention`.
 */
export const Attention = Schema.TaggedStruct("Attention", { ...Named, heads: Schema.Int })

/** The first token: (N, T, C) to (N, C). */
export const FirstToken = Schema.TaggedStruct("FirstToken", {})

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

/**
 * Multiplies its input by what its blocks make of it: an image of the same shape, or one pixel for all pixels. A
 * squeeze-and-excitation where that comes from the mean of all pixels.
 *
 * Source: Hu et al., Squeeze-and-Excitation Networks, 2018.
 */
export interface Gate {
  readonly _tag: "Gate"
  readonly blocks: ReadonlyArray<Block>
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
  | typeof StochasticDepth.Type
  | typeof LayerNorm.Type
  | typeof LayerScale.Type
  | typeof Tokens.Type
  | typeof ClassToken.Type
  | typeof PositionEmbedding.Type
  | typeof Attention.Type
  | typeof FirstToken.Type
  | typeof Onnx.Type
  | Residual
  | Gate
  | Heads

const Blocks = Schema.Array(Schema.suspend((): Schema.Codec<Block> => Block))

export const Residual = Schema.TaggedStruct("Residual", {
  blocks: Blocks,
  shortcut: Schema.optionalKey(Blocks)
})

export const Gate = Schema.TaggedStruct("Gate", { blocks: Blocks })

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
  StochasticDepth,
  LayerNorm,
  LayerScale,
  Tokens,
  ClassToken,
  PositionEmbedding,
  Attention,
  FirstToken,
  Onnx,
  Residual,
  Gate,
  Heads
])

/** The lists of blocks inside a block, each of which gets the block's own input; none where there are none. */
export const insideOf = (block: Block): ReadonlyArray<ReadonlyArray<Block>> => {
  switch (block._tag) {
    case "Residual":
      return [block.blocks, block.shortcut ?? []]
    case "Gate":
      return [block.blocks]
    case "Heads":
      return block.heads.map(({ blocks }) => blocks)
    default:
      return []
  }
}

/** A block with other blocks inside it, list by list; itself where it has none. */
export const mapInside = (block: Block, change: (blocks: ReadonlyArray<Block>) => ReadonlyArray<Block>): Block => {
  switch (block._tag) {
    case "Residual":
      return { ...block, blocks: change(block.blocks), ...(block.shortcut && { shortcut: change(block.shortcut) }) }
    case "Gate":
      return { ...block, blocks: change(block.blocks) }
    case "Heads":
      return { ...block, heads: block.heads.map(({ blocks }) => ({ blocks: change(blocks) })) }
    default:
      return block
  }
}

/** Whether a block does nothing in inference. */
export const isOnlyInTraining = ({ _tag }: Block): boolean => _tag === "Dropout" || _tag === "StochasticDepth"

/** Whether a block has weights, or a block inside it. */
export const hasWeights = (block: Block): boolean =>
  insideOf(block).some((blocks) => blocks.some(hasWeights)) || ("name" in block && !isOnlyInTraining(block))
