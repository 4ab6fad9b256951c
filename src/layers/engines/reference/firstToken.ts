import type { FirstToken } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

/** The first token of each image: no other has a gradient. */
export const firstToken: Kernel<typeof FirstToken.Type> = (_block, { data, shape }) => {
  const [size, count, channels] = shape as readonly [number, number, number] // the shapes were checked
  const output = new Float32Array(size * channels)
  for (let n = 0; n < size; n++) {
    const from = n * count * channels
    output.set(data.subarray(from, from + channels), n * channels)
  }
  return {
    output: { shape: [size, channels], data: output },
    backward: (gradient) => {
      const inputGradient = new Float32Array(data.length)
      for (let n = 0; n < size; n++)
        inputGradient.set(gradient.subarray(n * channels, (n + 1) * channels), n * count * channels)
      return inputGradient
    }
  }
}
