import type * as tf from "@tensorflow/tfjs-core"
import type { Activation, Block, Clamp } from "../../../model/Block.ts"
import { smoothActivation } from "../tfjs/activation.ts"
import type { Kernel, Pass } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { gelu } from "./gelu.ts"
import { isInLanes } from "./lanes.ts"
import type { Runner } from "./Runner.ts"

/** A block with weights, and perhaps a bias. */
export interface Linear {
  readonly name: string
  readonly bias: boolean
}

/** TensorFlow's names of an activation and of its gradient, which takes what the activation gave. */
export const activationOps = {
  relu: { forward: "Relu", backward: "ReluGrad" },
  relu6: { forward: "Relu6", backward: "Relu6Grad" }
} as const

/** The numbers that stand for activations in the attributes of Weft's own operations; see native/activation.h. */
const numbers = { relu: 1, relu6: 2, silu: 3, "hard-swish": 4 } as const

/** An activation that Weft's own operations know. */
export type OwnActivation = typeof Activation.Type & { readonly kind: keyof typeof numbers }

/** Whether a block is an activation that Weft's own operations know. */
export const isOwnActivation = (block: Block | undefined): block is OwnActivation =>
  block?._tag === "Activation" && block.kind in numbers

/** The number that stands for an activation, or for none. */
export const activationNumber = (activation: OwnActivation | undefined): number =>
  activation === undefined ? 0 : numbers[activation.kind]

/** An activation by itself. */
export const activation =
  (run: Runner): Kernel<typeof Activation.Type> =>
  ({ kind }, input) => {
    if (kind === "gelu" && isInLanes(run, input)) {
      const { backward, output } = gelu(run, input, run.nothing)
      return { output, backward: (dy, wanted) => (wanted ? backward(dy).gradient : undefined) }
    }
    if (kind !== "relu" && kind !== "relu6") return smoothActivation(kind, input)
    const { backward, forward } = activationOps[kind]
    const output = run.one(forward, [run.float], input)
    return {
      output,
      backward: (gradient, wanted) => (wanted ? run.one(backward, [run.float], gradient, output) : undefined)
    }
  }

/** Adds a shift to each channel and applies an activation in the tensor itself, which nobody else may know. */
export const finishInPlace = (
  run: Runner,
  x: tf.Tensor,
  shift: tf.Tensor,
  activation: OwnActivation | undefined,
  shortcut?: tf.Tensor
): void => {
  const inputs = [x, shift, shortcut ?? run.nothing]
  run.raw("WeftFinish", [run.int("activation", activationNumber(activation))], inputs, 0)
}

/**
 * Adds a bias and applies an activation, each where there is one; the backward pass keeps the bias's gradient. What went in
 * is changed or freed where nothing looks at it again.
 */
export const finish = (
  run: Runner,
  block: Linear,
  activation: Clamp | undefined,
  { input, keep }: { readonly input: tf.Tensor; readonly keep: boolean },
  pass: Pass
) => {
  const layout = [run.float, run.text("data_format", "NHWC")]
  const isInPlace = !keep && !run.usesGpu
  if (block.bias && isInPlace) finishInPlace(run, input, weightOf(pass, block, "bias"), undefined)
  const shifted = block.bias && !isInPlace ? run.one("BiasAdd", layout, input, weightOf(pass, block, "bias")) : input
  const output =
    activation === undefined ? shifted : run.one(activationOps[activation.kind].forward, [run.float], shifted)
  if (!keep && input !== output) input.dispose()
  if (shifted !== input && shifted !== output) shifted.dispose()
  return {
    output,
    backward: (gradient: tf.Tensor): tf.Tensor => {
      const dy =
        activation === undefined
          ? gradient
          : run.one(activationOps[activation.kind].backward, [run.float], gradient, output)
      if (block.bias) pass.gradients.set(`${block.name}.bias`, run.one("BiasAddGrad", layout, dy))
      return dy
    }
  }
}
