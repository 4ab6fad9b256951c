import type { Block, Gate } from "../../../model/Block.ts"
import { elementwise } from "./elementwise.ts"
import type { Kernel } from "./Pass.ts"

/**
 * x f(x), f(x) being as large as x or one pixel for all: the gradient goes through both factors, and the two are added.
 */
export const gate =
  (applyAll: Kernel<ReadonlyArray<Block>>): Kernel<Gate> =>
  ({ blocks }, input, pass) => {
    const { data, shape } = input
    const [size, height, width, channels] = shape as readonly [number, number, number, number] // the shapes were checked
    const inner = applyAll(blocks, input, pass)
    const factors = inner.output.data
    const isPixel = factors.length < data.length
    const image = height * width * channels
    /** Which factor a value has. */
    const at = (i: number) => (isPixel ? Math.floor(i / image) * channels + (i % channels) : i)
    return {
      output: { shape, data: data.map((x, i) => x * factors[at(i)]!) },
      backward: (gradient) => {
        const sums = new Float64Array(isPixel ? size * channels : data.length)
        for (const [i, g] of gradient.entries()) sums[at(i)]! += g * data[i]!
        const through = inner.backward(new Float32Array(sums))
        return elementwise(
          gradient.map((g, i) => g * factors[at(i)]!),
          through,
          (a, b) => a + b
        )
      }
    }
  }
