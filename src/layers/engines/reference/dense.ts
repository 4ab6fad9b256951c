import type { Dense } from "../../../model/Block.ts"
import { linear, linearBackward } from "./linear.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"

/** y = W x + b, for each row. */
export const dense: Kernel<typeof Dense.Type> = (block, input, pass) => {
  const [size, inputs] = input.shape as readonly [number, number] // the shapes were checked
  const { units } = block
  const weight = weightOf(pass, block, "weight")
  const bias = block.bias ? weightOf(pass, block, "bias") : undefined
  const row = new Float64Array(inputs)
  const take = (n: number) => row.set(input.data.subarray(n * inputs, (n + 1) * inputs))
  const data = new Float32Array(size * units)
  for (let n = 0; n < size; n++) {
    take(n)
    linear(weight, bias, row, data, n * units, units)
  }
  return {
    output: { shape: [size, units], data },
    backward: (gradient) => {
      const sums = { weight: new Float64Array(weight.length), bias: new Float64Array(units) }
      const rowGradient = new Float64Array(inputs)
      const inputGradient = new Float32Array(input.data.length)
      for (let n = 0; n < size; n++) {
        take(n)
        linearBackward(weight, row, gradient, n * units, sums, rowGradient)
        inputGradient.set(rowGradient, n * inputs)
      }
      pass.gradients.set(`${block.name}.weight`, new Float32Array(sums.weight))
      if (block.bias) pass.gradients.set(`${block.name}.bias`, new Float32Array(sums.bias))
      return inputGradient
    }
  }
}
