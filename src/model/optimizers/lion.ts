import type { Optimizer, Rule } from "./Optimizer.ts"

const rule: Rule<"mean", "rate" | "kept" | "beta1" | "gain1" | "beta2" | "gain2"> = {
  name: "lion",
  slots: ["mean"],
  scalars: ["rate", "kept", "beta1", "gain1", "beta2", "gain2"],
  apply: ({ add, mul, sign, sub }, { beta1, beta2, gain1, gain2, gradient, kept, mean, rate, weight }) => ({
    mean: add(mul(beta2, mean), mul(gain2, gradient)),
    weight: sub(mul(kept, weight), mul(rate, sign(add(mul(beta1, mean), mul(gain1, gradient)))))
  })
}

/**
 * Lion, with decoupled weight decay: each number moves by the whole rate, up or down. Its authors take a beta2 of 0.99,
 * a rate 3 to 10 times smaller than AdamW's, and a decay as many times larger.
 *
 * Source: Chen et al., Symbolic Discovery of Optimization Algorithms, 2023, algorithm 2.
 */
export const lion: Optimizer<"lion"> = {
  kind: "lion",
  rules: [rule],
  rule: ({ beta1, beta2, weightDecay }) => ({
    rule,
    scalarsAt: ({ learningRate }) => ({
      rate: learningRate,
      kept: 1 - learningRate * weightDecay,
      beta1,
      gain1: 1 - beta1,
      beta2,
      gain2: 1 - beta2
    })
  })
}
