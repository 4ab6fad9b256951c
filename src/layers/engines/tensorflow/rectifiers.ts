import type { Activation } from "../../../model/Block.ts"
import type { Kernel } from "../tfjs/Pass.ts"
import type { Runner } from "./Runner.ts"

/** TensorFlow's names of a rectifier and of its gradient, which takes what the rectifier gave. */
export const rectifiers = {
  relu: { forward: "Relu", backward: "ReluGrad" },
  relu6: { forward: "Relu6", backward: "Relu6Grad" }
} as const

/** The number that stands for a rectifier, or for none, in the attributes of Weft's own operations. */
export const rectifierNumber = (rectifier: typeof Activation.Type | undefined): number =>
  rectifier === undefined ? 0 : rectifier.kind === "relu" ? 1 : 2

/** A rectifier by itself. */
export const activation =
  (run: Runner): Kernel<typeof Activation.Type> =>
  ({ kind }, input) => {
    const { backward, forward } = rectifiers[kind]
    const output = run.one(forward, [run.float], input)
    return {
      output,
      backward: (gradient, wanted) => (wanted ? run.one(backward, [run.float], gradient, output) : undefined)
    }
  }
