import type { Flatten } from "../../../model/Block.ts"
import { elementAt } from "../../../pipeline/elementAt.ts"
import type { Kernel } from "./Pass.ts"

/**
 * Images (N, height, width, channels) as rows, channel by channel: the order in which PyTorch flattens. Tokens are in
 * this order already.
 */
export const flatten: Kernel<typeof Flatten.Type> = (_block, { data, shape }) => {
  if (shape.length === 3)
    return {
      output: { shape: [elementAt(shape, 0), data.length / elementAt(shape, 0)], data },
      backward: (gradient) => gradient
    }
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
