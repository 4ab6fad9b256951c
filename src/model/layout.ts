import type { Tensor } from "./Tensor.ts"

/**
 * Whether a weight's channels come first: filters and matrices. What has three axes are vectors, one each channel or
 * token.
 */
const isReordered = ({ length }: ReadonlyArray<number>): boolean => length === 2 || length === 4

/** A weight's shape in TensorFlow, whose channels come last: HWIO for OIHW, IN x OUT for OUT x IN. */
const inside = (shape: ReadonlyArray<number>): Array<number> => {
  const [outer, inner, ...kernel] = shape
  return outer === undefined || inner === undefined || !isReordered(shape) ? [...shape] : [...kernel, inner, outer]
}

/**
 * Puts numbers of `shape` (PyTorch's) into the order of `inside(shape)`, or back. A matrix is transposed; OIHW becomes
 * HWIO: the two pairs change places, and the pair OI is transposed. Any other number of axes stays as it is.
 */
export const reorder = (data: Float32Array, shape: ReadonlyArray<number>, back: boolean): Float32Array => {
  const [outer, inner, ...kernel] = shape
  if (outer === undefined || inner === undefined || !isReordered(shape)) return data.slice()
  const area = kernel.reduce((product, length) => product * length, 1)
  const result = new Float32Array(data.length)
  let there = 0
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++)
      for (let p = 0; p < area; p++, there++) {
        const here = (p * inner + i) * outer + o
        if (back) result[there] = data[here]!
        else result[here] = data[there]!
      }
  return result
}

/** A tensor in TensorFlow's layout, from one in PyTorch's. */
export const channelsLast = ({ data, shape }: Tensor): Tensor => ({
  shape: inside(shape),
  data: reorder(data, shape, false)
})
