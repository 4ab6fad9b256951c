import type { Activation } from "../../../model/Block.ts"
import { elementwise } from "./elementwise.ts"
import { erf } from "./erf.ts"
import type { Kernel } from "./Pass.ts"

/** A function of a number, and the gradient through it at a number, from the gradient after it. */
interface Curve {
  readonly value: (x: number) => number
  readonly before: (gradient: number, x: number) => number
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

const clamp = (x: number, most: number) => Math.min(Math.max(x, 0), most)

/** The share of a normal distribution below x, and its density there. */
const normalShare = (x: number) => (1 + erf(x / Math.SQRT2)) / 2
const normalDensity = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)

/** Clamps to [0, most]; the gradient at a corner is 0. */
const clamping = (most: number): Curve => ({
  value: (x) => clamp(x, most),
  before: (g, x) => (x <= 0 || x >= most ? 0 : g)
})

/** See the block; at corners and at infinities the gradients are PyTorch's. */
const curves: Readonly<Record<(typeof Activation.Type)["kind"], Curve>> = {
  relu: clamping(Infinity),
  relu6: clamping(6),
  sigmoid: { value: sigmoid, before: (g, x) => g * sigmoid(x) * (1 - sigmoid(x)) },
  silu: { value: (x) => x * sigmoid(x), before: (g, x) => g * sigmoid(x) * (1 + x * (1 - sigmoid(x))) },
  "hard-sigmoid": { value: (x) => clamp(x + 3, 6) / 6, before: (g, x) => (x > -3 && x < 3 ? g / 6 : 0) },
  "hard-swish": {
    value: (x) => (x * clamp(x + 3, 6)) / 6,
    before: (g, x) => (x <= -3 ? 0 : x >= 3 ? g : g * (x / 3 + 0.5))
  },
  gelu: { value: (x) => x * normalShare(x), before: (g, x) => g * (normalShare(x) + x * normalDensity(x)) }
}

/** A function of each value; NaN stays NaN. */
export const activation: Kernel<typeof Activation.Type> = ({ kind }, input) => {
  const { before, value } = curves[kind]
  return {
    output: { shape: input.shape, data: input.data.map(value) },
    backward: (gradient) => elementwise(gradient, input.data, before)
  }
}
