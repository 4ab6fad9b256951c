import type { Dense } from "../../../model/Block.ts"
import { linearRows } from "./linear.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"

/** y = W x + b, for each row, pixel or token. */
export const dense: Kernel<typeof Dense.Type> = (block, input, pass) => {
  const { name, units } = block
  const bias = block.bias ? weightOf(pass, block, "bias") : undefined
  const { backward, output } = linearRows(weightOf(pass, block, "weight"), bias, input.data, units)
  return {
    output: { shape: [...input.shape.slice(0, -1), units], data: output },
    backward: (gradient) => {
      const gradients = backward(gradient)
      pass.gradients.set(`${name}.weight`, gradients.weight)
      if (block.bias) pass.gradients.set(`${name}.bias`, gradients.bias)
      return gradients.input
    }
  }
}
