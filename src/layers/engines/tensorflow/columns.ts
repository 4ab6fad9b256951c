import type * as tf from "@tensorflow/tfjs-core"
import type { Window } from "../../../model/shapes.ts"
import { channelsOf } from "../tfjs/shape.ts"
import { matMul, rows } from "./products.ts"
import type { Runner } from "./Runner.ts"

const settings = (
  run: Runner,
  { kernelHeight, kernelWidth, left, stride, top }: Window,
  height: number,
  width: number
) =>
  Object.entries({ high: kernelHeight, wide: kernelWidth, stride, top, left, height, width }).map(([name, value]) =>
    run.int(name, value)
  )

/** A filter (height, width, channels, filters) as a matrix: a row for each number under the kernel. */
const matrix = (run: Runner, filter: tf.Tensor): tf.Tensor =>
  run.reshape(filter, [filter.size / channelsOf(filter), channelsOf(filter)])

/**
 * A convolution as matrix products: a row for each place of the kernel, with the pixels under it side by side. The rows
 * are as large as the input times the kernel over the stride squared, and are freed at once.
 */
export const byColumns = {
  forward: (run: Runner, window: Window, input: tf.Tensor, filter: tf.Tensor): tf.Tensor => {
    const { outHeight, outWidth } = window
    const columns = run.one("WeftColumns", settings(run, window, outHeight, outWidth), input)
    const product = matMul(run, rows(run, columns), matrix(run, filter))
    columns.dispose()
    return run.reshape(product, [input.shape[0] ?? 0, outHeight, outWidth, channelsOf(filter)])
  },
  filterGradient: (run: Runner, window: Window, input: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor): tf.Tensor => {
    const columns = run.one("WeftColumns", settings(run, window, window.outHeight, window.outWidth), input)
    const product = matMul(run, rows(run, columns), rows(run, dy), true)
    columns.dispose()
    return run.reshape(product, filter.shape)
  },
  inputGradient: (run: Runner, window: Window, filter: tf.Tensor, dy: tf.Tensor): tf.Tensor => {
    const product = matMul(run, rows(run, dy), matrix(run, filter), false, true)
    const columns = run.reshape(product, [...dy.shape.slice(0, -1), filter.size / channelsOf(filter)])
    product.dispose()
    const dx = run.one("WeftColumnsGrad", settings(run, window, window.height, window.width), columns)
    columns.dispose()
    return dx
  }
}
