import type * as tf from "@tensorflow/tfjs-core"
import type { Input, Runner } from "./Runner.ts"

/**
 * GELU of x + bias, the bias being added to x itself, which nobody else may look at; without a bias x stays. Forward and
 * backward are one operation of Weft's own each; the backward pass gives the bias's gradient too.
 */
export const gelu = (run: Runner, x: tf.Tensor, bias: Input) => ({
  output: run.one("WeftGelu", [], x, bias),
  backward: (dy: tf.Tensor) => {
    const [gradient, sums] = run.many("WeftGeluGrad", [], [dy, x], 2)
    return { gradient, sums }
  }
})

/** The same in inference: x, which nobody else may look at, becomes the output. */
export const geluInPlace = (run: Runner, x: tf.Tensor, bias: Input): void => {
  run.raw("WeftGeluInPlace", [], [x, bias], 0)
}
