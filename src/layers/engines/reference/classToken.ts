import type { ClassToken } from "../../../model/Block.ts"
import { named } from "../../../model/Tensor.ts"
import type { Kernel } from "./Pass.ts"

/** Puts the class token in front of the input's tokens. */
export const classToken: Kernel<typeof ClassToken.Type> = ({ name }, { data, shape }, pass) => {
  const [size, count, channels] = shape as readonly [number, number, number] // the shapes were checked
  const token = named(pass.weights, name).data
  const [before, after] = [count * channels, (count + 1) * channels]
  const output = new Float32Array(size * after)
  for (let n = 0; n < size; n++) {
    output.set(token, n * after)
    output.set(data.subarray(n * before, (n + 1) * before), n * after + channels)
  }
  return {
    output: { shape: [size, count + 1, channels], data: output },
    backward: (gradient) => {
      const sums = new Float64Array(channels)
      const inputGradient = new Float32Array(data.length)
      for (let n = 0; n < size; n++) {
        for (let c = 0; c < channels; c++) sums[c]! += gradient[n * after + c]!
        inputGradient.set(gradient.subarray(n * after + channels, (n + 1) * after), n * before)
      }
      pass.gradients.set(name, new Float32Array(sums))
      return inputGradient
    }
  }
}
