import type { Activation, Dropout, Flatten } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

/** relu is max(x, 0), relu6 is min(max(x, 0), 6); the gradient at a corner is 0, and NaN stays NaN. */
export const activation: Kernel<typeof Activation.Type> = (block, input) => {
  const most = block.kind === "relu6" ? 6 : Infinity
  return {
    output: { shape: input.shape, data: input.data.map((x) => Math.min(Math.max(x, 0), most)) },
    backward: (gradient) =>
      gradient.map((g, i) => {
        const x = input.data[i]!
        return x <= 0 || x >= most ? 0 : g
      })
  }
}

/** In training each value is kept with probability 1 - rate and scaled by 1 / (1 - rate), in the values' order. */
export const dropout: Kernel<typeof Dropout.Type> = (block, input, pass) => {
  if (!pass.training) return { output: input, backward: (gradient) => gradient }
  const mask = pass.mask(block, input.data.length)
  return {
    output: { shape: input.shape, data: input.data.map((x, i) => x * mask[i]!) },
    backward: (gradient) => gradient.map((g, i) => g * mask[i]!)
  }
}

/** Images (N, height, width, channels) as rows, channel by channel: the order in which PyTorch flattens. */
export const flatten: Kernel<typeof Flatten.Type> = (_block, { data, shape }) => {
  const [size, height, width, channels] = shape as readonly [number, number, number, number] // the shapes were checked
  const pixels = height * width
  const length = pixels * channels
  /** Where a value of the rows lies in the images. */
  const source = (i: number) => {
    const within = i % length
    return i - within + (within % pixels) * channels + Math.floor(within / pixels)
  }
  return {
    output: { shape: [size, length], data: data.map((_, i) => data[source(i)]!) },
    backward: (gradient) => {
      const inputGradient = new Float32Array(gradient.length)
      for (let i = 0; i < gradient.length; i++) inputGradient[source(i)] = gradient[i]!
      return inputGradient
    }
  }
}
