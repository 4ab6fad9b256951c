import * as tf from "@tensorflow/tfjs-core"
import type { MaxPool } from "../../../src/model/Block.ts"
import type { Operators } from "../../../src/layers/tfjs/Device.ts"
import type { Applied } from "../../../src/layers/tfjs/Pass.ts"
import { assertSame, poolingCases } from "../../model/engineContract/windows.ts"

/** Checks that a backend pools as PyTorch does, forward and backward, where windows have NaN and infinities. */
export const poolsAsPyTorchDoes = async (maxPool: (block: typeof MaxPool.Type, input: tf.Tensor) => Applied) => {
  for (const { block, input, inputGradient, output, outputGradient, shape, title } of poolingCases) {
    const x = tf.tensor4d(input, [...shape])
    const pooled = maxPool(block, x)
    assertSame(await pooled.output.data<"float32">(), output, title)
    const dx = pooled.backward(tf.tensor(outputGradient, pooled.output.shape), true)
    assertSame((await dx?.data<"float32">()) ?? [], inputGradient, `gradient of ${title}`)
  }
}

/**
 * Checks a backend's gradient through rectifiers, given what they gave. Source: PyTorch 2.13, whose `relu` and `relu6`
 * give NaN for NaN and pass its gradient; those at 0 and 6 do not pass.
 */
export const rectifiesAsPyTorchDoes = async ({ rectified }: Operators) => {
  for (const [kind, y, expected] of [
    ["relu", [NaN, Infinity, 0, 3, 6, 0], [1, 2, 0, 4, 5, 0]],
    ["relu6", [NaN, 6, 0, 3, 6, 5], [1, 0, 0, 4, 0, 6]]
  ] as const) {
    const { gradient, sums } = rectified(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), tf.tensor2d([...y], [2, 3]), kind)
    assertSame(await gradient.data<"float32">(), expected, kind)
    const [a, b, c, d, e, f] = expected
    assertSame(await sums.data<"float32">(), [a + d, b + e, c + f], `sums of ${kind}`)
  }
}
