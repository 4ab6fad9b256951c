import * as tf from "@tensorflow/tfjs-core"
import type { Gate } from "../../../model/Block.ts"
import { applyAll } from "../tfjs/apply.ts"
import { gate as anyGate } from "../tfjs/gate.ts"
import type { Kernel } from "../tfjs/Pass.ts"
import { inputGradient } from "../tfjs/Pass.ts"
import type { Runner } from "./Runner.ts"

/**
 * A squeeze-and-excitation, x f(mean of x's pixels), on a processor by Weft's own operations: the gradient through the
 * factors is added where the one through x is made. Any other gate by TensorFlow.js's.
 */
export const gate =
  (run: Runner): Kernel<Gate> =>
  (block, input, pass) => {
    const [mean, ...rest] = block.blocks
    const isSqueezed = mean?._tag === "AdaptiveAveragePool" && mean.size.every((pixels) => pixels === 1)
    if (run.usesGpu || !isSqueezed) return anyGate(block, input, pass)
    const excited = applyAll(rest, tf.mean(input, [1, 2], true), pass)
    const factors = excited.output
    return {
      output: run.one("WeftGate", [], input, factors),
      backward: (gradient, wanted) => {
        const sums = run.one("WeftGateSums", [], gradient, input)
        if (wanted) return run.one("WeftGateGrad", [], gradient, factors, inputGradient(excited, sums))
        excited.backward(sums, false)
        return undefined
      }
    }
  }
