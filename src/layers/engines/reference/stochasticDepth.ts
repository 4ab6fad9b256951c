import { elementAt } from "../../../pipeline/elementAt.ts"
import type { StochasticDepth } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

/** In training each image is kept with probability 1 - rate and scaled by 1 / (1 - rate), in the batch's order. */
export const stochasticDepth: Kernel<typeof StochasticDepth.Type> = (block, input, pass) => {
  if (!pass.training) return { output: input, backward: (gradient) => gradient }
  const size = elementAt(input.shape, 0)
  const mask = pass.mask(block, size)
  const image = input.data.length / size
  const scaled = (values: Float32Array) => values.map((x, i) => x * mask[Math.floor(i / image)]!)
  return { output: { shape: input.shape, data: scaled(input.data) }, backward: scaled }
}
