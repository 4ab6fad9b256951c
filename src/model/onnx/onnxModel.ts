import type { Block } from "../Block.ts"
import { weightsFault } from "../faults.ts"
import { outputShape, parametersOfBlock } from "../shapes.ts"
import type { Parameter, Shape } from "../shapes.ts"
import type { Weights } from "../Tensor.ts"
import { OnnxGraph } from "./OnnxGraph.ts"
import { inOrder, opsetOf, renderBlocks } from "./renderBlocks.ts"

/** Blocks that are applied and not trained. */
export interface Frozen {
  readonly blocks: ReadonlyArray<Block>
  /** The input's shape: images (NHWC) or flat values, without the batch. */
  readonly input: Shape
  /** The blocks' tensors; others are ignored. */
  readonly weights: Weights
  /** The ONNX file of the blocks' `Onnx`, where they have one: `Backbone.bytes`. */
  readonly backbone?: Uint8Array<ArrayBuffer> | undefined
}

/** The output's shape of frozen blocks, and their tensors; throws `ShapeMismatch` where a block does not fit. */
export const frozenParts = ({ blocks, input }: Pick<Frozen, "blocks" | "input">) => {
  const parameters: Array<Parameter> = []
  let shape = input
  for (const block of blocks) {
    parameters.push(...parametersOfBlock(block, shape))
    shape = outputShape(block, shape)
  }
  return { parameters, shape }
}

/** The names of a model's input and output. */
export const inputName = "images"
export const outputName = "features"

/**
 * Frozen blocks as an ONNX model (its bytes): `images` (N, height, width, channels) in, `features` out, float32, N any.
 *
 * Image-shaped features are NHWC. Batch norms are part of the linear block before them. Throws an Error where a block
 * does not fit its input or a tensor is missing. `inTiles` as `Rendering` has it.
 */
export const onnxModel = (frozen: Frozen, inTiles = false): Uint8Array<ArrayBuffer> => {
  const { backbone, blocks, input, weights } = frozen
  const fault = weightsFault(frozenParts(frozen).parameters, weights)
  if (fault !== undefined) throw new Error(fault)
  const graph = new OnnxGraph(opsetOf(blocks))
  const given = graph.input(inputName, ["N", ...input])
  const images = { name: given, shape: input, channels: "last" } as const
  const first = input.length === 3 ? inOrder(images, "first", graph, inputName) : { name: given, shape: input }
  const last = renderBlocks(blocks, first, { graph, weights, backbone, keepsNaN: true, inTiles })
  const result = last.shape.length === 3 ? inOrder(last, "last", graph, outputName) : last
  graph.output(result.name, outputName, ["N", ...last.shape])
  return graph.encode(outputName)
}
