import type { Optimizer, OptimizerSettings, Rule, UpdateAt } from "./Optimizer.ts"

type Scalar = "rate" | "root" | "eps" | "kept" | "penalty" | "beta1" | "gain1" | "beta2" | "gain2"

const rule: Rule<"mean" | "variance", Scalar> = {
  name: "adam",
  slots: ["mean", "variance"],
  scalars: ["rate", "root", "eps", "kept", "penalty", "beta1", "gain1", "beta2", "gain2"],
  apply: (math, values) => {
    const { add, div, mul, name, sqrt, sub } = math
    const { beta1, beta2, eps, gain1, gain2, gradient, kept, mean, penalty, rate, root, variance, weight } = values
    const g = name("g", add(gradient, mul(penalty, weight)))
    const m = name("m", add(mul(beta1, mean), mul(gain1, g)))
    const v = name("v", add(mul(beta2, variance), mul(mul(gain2, g), g)))
    const change = div(mul(rate, m), add(div(sqrt(v), root), eps))
    return { mean: m, variance: v, weight: sub(mul(kept, weight), change) }
  }
}

/** `penalty` is the L2 penalty that the gradient gets, `shrink` the share of the rate by which a weight shrinks. */
const of = ({ beta1, beta2, eps }: OptimizerSettings, penalty: number, shrink: number) => ({
  rule,
  scalarsAt: ({ learningRate, step }: UpdateAt) => ({
    rate: learningRate / (1 - beta1 ** (step + 1)),
    root: Math.sqrt(1 - beta2 ** (step + 1)),
    eps,
    kept: 1 - learningRate * shrink,
    penalty,
    beta1,
    gain1: 1 - beta1,
    beta2,
    gain2: 1 - beta2
  })
})

/** Adam. Sources: Kingma and Ba, 2015; PyTorch's `torch.optim.Adam`. */
export const adam: Optimizer<"adam"> = {
  kind: "adam",
  rules: [rule],
  rule: (config) => of(config, config.weightDecay, 0)
}

/** Adam with decoupled weight decay. Sources: Loshchilov and Hutter, 2019; PyTorch's `torch.optim.AdamW`. */
export const adamw: Optimizer<"adamw"> = {
  kind: "adamw",
  rules: [rule],
  rule: (config) => of(config, 0, config.weightDecay)
}
