import { insideOf, isClamp } from "../../../model/Block.ts"
import type { Block, Clamp, Heads } from "../../../model/Block.ts"
import type { Applied, Linear } from "../../../model/onnx/linear.ts"
import { affineOf, applied, folded, isLinear } from "../../../model/onnx/linear.ts"
import type { Frozen } from "../../../model/onnx/onnxModel.ts"
import { asImage, notOfEngines, outputShape, windowOf } from "../../../model/shapes.ts"
import type { Shape, Window } from "../../../model/shapes.ts"
import type { Weights } from "../../../model/Tensor.ts"
import { elementAt } from "../../../pipeline/elementAt.ts"

/** Numbers of the addon's operations (`Code` in `native/Program.h`). */
const codes = {
  read: 0,
  convolution: 1,
  depthwise: 2,
  dense: 3,
  affine: 4,
  addition: 5,
  maxPool: 6,
  average: 7,
  flatten: 8
} as const

const activations = { none: 0, relu: 1, relu6: 2 } as const

/** An operation, as the addon takes it (`Line` in `native/Program.h`); values are numbered, 0 are the images. */
interface Line {
  readonly code: keyof typeof codes
  readonly in: number
  /** The second input of an addition. */
  readonly other?: number
  readonly out: number
  /** Shape of the output. */
  readonly shape: Shape
  readonly window?: AddonWindow
  activation: keyof typeof activations
  readonly weight?: Float32Array | undefined
  readonly bias?: Float32Array | undefined
}

/** The window as the addon takes it. */
type AddonWindow = Pick<Window, "kernelHeight" | "kernelWidth" | "stride" | "top" | "left">

const point: AddonWindow = { kernelHeight: 1, kernelWidth: 1, stride: 1, top: 0, left: 0 }

/** The most weights of a kernel that the addon takes (`Convolution::kTaps`). */
const mostTaps = 121

/** The most channels of images that a convolution takes as they are. */
const mostChannels = 4

/** Operations that can apply an activation to what they give. */
const activating: ReadonlySet<Line["code"]> = new Set(["convolution", "depthwise", "dense", "affine"])

const image = (shape: Shape) => shape as readonly [number, number, number] // the shapes were checked

/** The linear blocks of heads; more than one a head where a head has hidden layers. */
const layersOf = ({ heads }: Heads) => heads.map(({ blocks }) => applied(blocks))

/** The kinds of blocks that the addon has no operation for. */
const missing: ReadonlySet<Block["_tag"]> = new Set([
  "Gate",
  "LayerNorm",
  "LayerScale",
  "Tokens",
  "ClassToken",
  "PositionEmbedding",
  "Attention",
  "FirstToken"
])

/** A defect: callers have checked every block by `isThere`. */
const notThere = ({ _tag }: Block) => new Error(`the addon has no operation for a ${_tag}`)

/**
 * Whether the addon has an operation for a block and for all blocks inside it. Its only activations are those that clamp,
 * and it cannot put the results of hidden layers side by side.
 */
const isThere = (block: Block): boolean =>
  !missing.has(block._tag) &&
  (block._tag !== "Activation" || isClamp(block)) &&
  (block._tag !== "Heads" ||
    layersOf(block).every((layers) => layers.length === 1 && layers[0]?.block._tag === "Dense")) &&
  insideOf(block).every((blocks) => blocks.every(isThere))

/** Heads of one linear layer each as one linear layer: their weights' rows one after the other. */
const stacked = (heads: Heads, weights: Weights) => {
  const parts = layersOf(heads)
    .flat()
    .flatMap(({ block, norms }) => (isLinear(block) ? [folded(block, norms, weights)] : []))
  const units = parts.map(({ weight }) => elementAt(weight.shape, 0))
  return {
    weight: Float32Array.from(parts.flatMap(({ weight }) => Array.from(weight.data))),
    bias: Float32Array.from(parts.flatMap(({ bias }, k) => Array.from(bias ?? new Float32Array(elementAt(units, k)))))
  }
}

/**
 * Frozen blocks as what the addon opens: the images' shape and a line for each operation in `numbers`, and the weights,
 * batch norms folded in, to which the lines refer by number.
 *
 * The blocks must fit their input and the weights be there. Undefined where a kernel is larger than the addon takes, a
 * block is of a kind that it does not have, or heads have hidden layers.
 */
export const linesOf = ({ blocks, input, weights }: Frozen) => {
  if (!blocks.every(isThere)) return undefined
  const lines: Array<Line> = []
  let value = 0
  const add = (line: Omit<Line, "in" | "out" | "activation">, from: number): number => {
    lines.push({ ...line, in: from, out: ++value, activation: "none" })
    return value
  }

  const linear = ({ block, norms }: Applied & { readonly block: Linear }, from: number, input: Shape): number => {
    const shape = outputShape(block, input)
    const { bias, weight } = folded(block, norms, weights)
    if (block._tag === "Dense") {
      // A linear map of each pixel by itself is a convolution with a kernel of one pixel.
      const code = shape.length === 1 ? "dense" : "convolution"
      return add({ code, shape, weight: weight.data, bias, window: point }, from)
    }
    const window = windowOf(block, image(input))
    const code = block._tag === "DepthwiseConv2d" ? "depthwise" : "convolution"
    return add({ code, shape, weight: weight.data, bias, window }, from)
  }

  const addActivation = ({ kind }: Clamp, from: number, shape: Shape, isOwn: boolean): number => {
    const last = lines.at(-1)
    // The input of a residual is added to its output later, so that it must stay unchanged.
    if (isOwn && last?.out === from && last.activation === "none" && activating.has(last.code)) {
      last.activation = kind
      return from
    }
    const made = add({ code: "affine", shape }, from)
    lines.at(-1)!.activation = kind // it was just added
    return made
  }

  const other = (block: Exclude<Block, Linear>, from: number, input: Shape, isOwn: boolean): number => {
    const shape = outputShape(block, input)
    switch (block._tag) {
      case "BatchNorm": {
        const { scale, shift } = affineOf(block, weights)
        return add({ code: "affine", shape, weight: Float32Array.from(scale), bias: Float32Array.from(shift) }, from)
      }
      case "Activation":
        if (!isClamp(block)) throw notThere(block)
        return addActivation(block, from, shape, isOwn)
      case "MaxPool":
        return add({ code: "maxPool", shape, window: windowOf(block, image(input)) }, from)
      case "GlobalAveragePool":
        return add({ code: "average", shape }, from)
      case "AdaptiveAveragePool":
        return shape.join() === input.join() ? from : add({ code: "average", shape }, from)
      case "Flatten":
        return add({ code: "flatten", shape }, from)
      case "Dropout":
      case "StochasticDepth":
        return from
      case "Gate":
      case "LayerNorm":
      case "LayerScale":
      case "Tokens":
      case "ClassToken":
      case "PositionEmbedding":
      case "Attention":
      case "FirstToken":
        throw notThere(block)
      case "Onnx":
        throw notOfEngines()
      case "Residual":
        return add(
          { code: "addition", shape, other: list(block.shortcut ?? [], from, input) },
          list(block.blocks, from, input)
        )
      case "Heads":
        return add({ code: "dense", shape, ...stacked(block, weights), window: point }, from)
    }
  }

  const list = (blocks: ReadonlyArray<Block>, from: number, input: Shape): number => {
    let at = from
    let shape = input
    for (const { block, norms } of applied(blocks)) {
      at = isLinear(block) ? linear({ block, norms }, at, shape) : other(block, at, shape, at !== from)
      shape = outputShape(block, shape)
    }
    return at
  }

  // A convolution reads images of few channels as they are; all other operations read values split into bfloat16
  // halves.
  const takesImages = blocks[0]?._tag === "Conv2d" && (input[2] ?? 0) <= mostChannels
  const begin = takesImages ? 0 : add({ code: "read", shape: input }, 0)
  list(blocks, begin, input)
  const isTooLarge = ({ code, window = point }: Line) =>
    code === "convolution" && window.kernelHeight * window.kernelWidth > mostTaps
  if (lines.some(isTooLarge)) return undefined

  const given: Array<Float32Array> = []
  const numberOf = (data: Float32Array | undefined) => (data === undefined ? -1 : given.push(data) - 1)
  const numbers = lines.flatMap(({ activation, bias, code, other = -1, shape, weight, window = point, ...line }) => {
    const { kernelHeight, kernelWidth, left, stride, top } = window
    const places = [codes[code], line.in, other, line.out, ...asImage(shape)]
    return [
      ...places,
      kernelHeight,
      kernelWidth,
      stride,
      top,
      left,
      activations[activation],
      numberOf(weight),
      numberOf(bias)
    ]
  })
  return { numbers: Int32Array.from([...asImage(input), ...numbers]), weights: given as ReadonlyArray<Float32Array> }
}
