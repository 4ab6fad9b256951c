import type { Optimizer, Rule } from "./Optimizer.ts"

const plain: Rule<never, "rate" | "decay"> = {
  name: "sgd",
  slots: [],
  scalars: ["rate", "decay"],
  apply: ({ add, mul, sub }, { decay, gradient, rate, weight }) => ({
    weight: sub(weight, mul(rate, add(gradient, mul(decay, weight))))
  })
}

const withMomentum: Rule<"momentum", "rate" | "decay" | "kept" | "added" | "ofGradient" | "ofMomentum"> = {
  name: "momentum",
  slots: ["momentum"],
  scalars: ["rate", "decay", "kept", "added", "ofGradient", "ofMomentum"],
  apply: (math, values) => {
    const { add, mul, name, sub } = math
    const { added, decay, gradient, kept, momentum, ofGradient, ofMomentum, rate, weight } = values
    const decayed = name("decayed", add(gradient, mul(decay, weight)))
    const moved = name("moved", add(mul(kept, momentum), mul(added, decayed)))
    return {
      momentum: moved,
      weight: sub(weight, mul(rate, add(mul(ofGradient, decayed), mul(ofMomentum, moved))))
    }
  }
}

/**
 * Stochastic gradient descent, with a momentum where the settings have one.
 *
 * The first step fills the momentum with the whole gradient: the dampening begins at the second.
 * Source: PyTorch's `torch.optim.SGD`.
 */
export const sgd: Optimizer<"sgd"> = {
  kind: "sgd",
  rules: [plain, withMomentum],
  rule: ({ dampening, momentum, nesterov, weightDecay: decay }) =>
    momentum === 0
      ? { rule: plain, scalarsAt: ({ learningRate: rate }) => ({ rate, decay }) }
      : {
          rule: withMomentum,
          scalarsAt: ({ learningRate: rate, step }) => ({
            rate,
            decay,
            kept: step === 0 ? 0 : momentum,
            added: step === 0 ? 1 : 1 - dampening,
            ofGradient: nesterov ? 1 : 0,
            ofMomentum: nesterov ? momentum : 1
          })
        }
}
