import type * as tf from "@tensorflow/tfjs-core"
import type { Runner } from "./Runner.ts"
import type { Slide } from "./slide.ts"

/** The product of two matrices, either of them turned. */
export const matMul = (run: Runner, a: tf.Tensor, b: tf.Tensor, turnA = false, turnB = false): tf.Tensor =>
  run.one("MatMul", [run.float, run.bool("transpose_a", turnA), run.bool("transpose_b", turnB)], a, b)

/** A tensor's last axis as columns. */
const rows = (run: Runner, x: tf.Tensor): tf.Tensor => run.reshape(x, [x.size / x.shape.at(-1)!, x.shape.at(-1)!])

/** A convolution whose pixels do not look at each other: matrices, which TensorFlow multiplies faster than it slides. */
export const isPointwise = (run: Runner, { kernel, padded, stride }: Slide): boolean =>
  !run.usesGpu && kernel[0] * kernel[1] * stride === 1 && !padded

/** The three products of such a convolution. */
export const pointwise = {
  forward: (run: Runner, input: tf.Tensor, filter: tf.Tensor): tf.Tensor => {
    const product = matMul(run, rows(run, input), rows(run, filter))
    return run.reshape(product, [...input.shape.slice(0, -1), filter.shape.at(-1)!])
  },
  filterGradient: (run: Runner, input: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor): tf.Tensor =>
    run.reshape(matMul(run, rows(run, input), rows(run, dy), true), filter.shape),
  inputGradient: (run: Runner, input: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor): tf.Tensor =>
    run.reshape(matMul(run, rows(run, dy), rows(run, filter), false, true), input.shape)
}

/** Fewer pixels and channels than these, and TensorFlow's own way is as fast. */
const manyPixels = 32 * 32
const manyChannels = 16

/** Whether a filter's gradient is made by `slicedFilterGradient`. */
export const slices = (run: Runner, { kernel, padded, shape, stride }: Slide): boolean =>
  !run.usesGpu &&
  !padded &&
  stride === 1 &&
  kernel[0] * kernel[1] > 1 &&
  shape[1] * shape[2] > manyPixels &&
  shape[3] >= manyChannels

/**
 * The gradient of a filter that slides by single pixels over large images: the images once for each of its columns,
 * side by side, and one product for each of its rows. TensorFlow's own takes about twice as long.
 */
export const slicedFilterGradient = (
  run: Runner,
  { kernel, shape }: Slide,
  input: tf.Tensor,
  dy: tf.Tensor
): tf.Tensor => {
  const [high, wide] = kernel
  const [n, height, , channels] = shape
  const [, outHeight, outWidth, filters] = dy.shape as [number, number, number, number] // as of its convolution
  const slice = (x: tf.Tensor, begin: ReadonlyArray<number>, size: ReadonlyArray<number>) =>
    run.one("Slice", [run.float, run.type("Index", run.types.int)], x, run.ints(...begin), run.ints(...size))
  const join = (parts: ReadonlyArray<tf.Tensor>, axis: number): tf.Tensor => {
    if (parts.length === 1) return parts[0]!
    const attributes = [run.float, run.type("Tidx", run.types.int), run.int("N", parts.length)]
    const joined = run.one("ConcatV2", attributes, ...parts, run.scalarInt(axis))
    for (const part of parts) part.dispose()
    return joined
  }
  const columns = Array.from({ length: wide }, (_, i) => slice(input, [0, 0, i, 0], [n, height, outWidth, channels]))
  const beside = join(columns, 3)
  const gradient = rows(run, dy)
  const taps = Array.from({ length: high }, (_, i) => {
    const lines = slice(beside, [0, i, 0, 0], [n, outHeight, outWidth, wide * channels])
    const tap = matMul(run, rows(run, lines), gradient, true)
    lines.dispose()
    return tap
  })
  beside.dispose()
  return run.reshape(join(taps, 0), [high, wide, channels, filters])
}
