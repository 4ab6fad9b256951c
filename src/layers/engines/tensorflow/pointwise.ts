import type * as tf from "@tensorflow/tfjs-core"
import type { Window } from "../../../model/shapes.ts"
import type { Runner } from "./Runner.ts"

/** A convolution whose pixels do not look at each other, on a processor. */
export const isPointwise = (
  run: Runner,
  { bottom, kernelHeight, kernelWidth, left, right, stride, top }: Window
): boolean => !run.usesGpu && kernelHeight * kernelWidth * stride === 1 && top + bottom + left + right === 0

/** Such a convolution, by Weft's own operations; see native/pointwise.h. */
export const pointwise = {
  /** With the output's statistics, where they are wanted. */
  forward: (run: Runner, input: tf.Tensor, filter: tf.Tensor, wanted: boolean) => {
    const attributes = [run.int("wanted", wanted ? 1 : 0)]
    const [plain, statistics] = run.many("WeftPointwise", attributes, [input, filter], 2)
    return { plain, statistics: wanted ? statistics : undefined }
  },
  /**
   * The gradients of the filter and, where it is wanted, of the input. A batch norm behind the output may leave its own
   * gradient `open`: it is finished here, and is of no use afterwards.
   */
  gradients: (
    run: Runner,
    input: tf.Tensor,
    filter: tf.Tensor,
    dy: tf.Tensor,
    wanted: boolean,
    open?: { readonly output: tf.Tensor; readonly terms: tf.Tensor }
  ) => {
    const attributes = [run.int("wanted", wanted ? 1 : 0)]
    const inputs = [dy, input, filter, open?.output ?? run.nothing, open?.terms ?? run.nothing]
    const [dx, change] = run.many("WeftPointwiseGrad", attributes, inputs, 2)
    return { change, dx: wanted ? dx : undefined }
  }
}
