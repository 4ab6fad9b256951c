import type { Dropout } from "../../../model/Block.ts"
import { elementwise } from "./elementwise.ts"
import type { Kernel } from "./Pass.ts"

/** In training each value is kept with probability 1 - rate and scaled by 1 / (1 - rate), in the values' order. */
export const dropout: Kernel<typeof Dropout.Type> = (block, input, pass) => {
  if (!pass.training) return { output: input, backward: (gradient) => gradient }
  const mask = pass.mask(block, input.data.length)
  return {
    output: { shape: input.shape, data: elementwise(input.data, mask, (x, factor) => x * factor) },
    backward: (gradient) => elementwise(gradient, mask, (g, factor) => g * factor)
  }
}
