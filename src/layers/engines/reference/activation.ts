import { isClamp } from "../../../model/Block.ts"
import type { Activation } from "../../../model/Block.ts"
import { elementwise } from "./elementwise.ts"
import type { Kernel } from "./Pass.ts"

/** relu is max(x, 0), relu6 is min(max(x, 0), 6); the gradient at a corner is 0, and NaN stays NaN. */
export const activation: Kernel<typeof Activation.Type> = (block, input) => {
  if (!isClamp(block)) throw new Error(`${block.kind} is not computed yet`)
  const most = block.kind === "relu6" ? 6 : Infinity
  return {
    output: { shape: input.shape, data: input.data.map((x) => Math.min(Math.max(x, 0), most)) },
    backward: (gradient) => elementwise(gradient, input.data, (g, x) => (x <= 0 || x >= most ? 0 : g))
  }
}
