import { ruleOf, scalarList } from "./optimizers.ts"
import type { UpdateAt } from "./optimizers/Optimizer.ts"
import { compileRule } from "./ruleProgram.ts"
import type { Parameter } from "./shapes.ts"
import type { Weights } from "./Tensor.ts"
import { named, sizeOf } from "./Tensor.ts"
import type { OptimizerConfig } from "./TrainConfig.ts"

/** Gradients by the name of their weight, in its layout. */
export type Gradients = ReadonlyMap<string, Float32Array>

/** The slots that an optimiser keeps for each weight: `KIND.NAME`. Without a momentum, sgd keeps none. */
export const slotKinds = (config: OptimizerConfig): ReadonlyArray<string> => ruleOf(config).slots

/** The slots before the first step, all zero. */
export const emptySlots = (config: OptimizerConfig, parameters: ReadonlyArray<Parameter>): Weights =>
  new Map(
    parameters
      .filter(({ trainable }) => trainable)
      .flatMap(({ name, shape }) =>
        slotKinds(config).map((kind) => [`${kind}.${name}`, { shape, data: new Float32Array(sizeOf(shape)) }] as const)
      )
  )

/** One update of every weight that has a gradient, in place; `slots` as `emptySlots` made them, `atOf` by the weight's name. */
export const update = (
  config: OptimizerConfig,
  weights: Weights,
  gradients: Gradients,
  slots: Weights,
  atOf: (name: string) => UpdateAt
): void => {
  const rule = ruleOf(config)
  const apply = compileRule(rule)
  for (const [name, gradient] of gradients)
    apply(
      named(weights, name).data,
      gradient,
      rule.slots.map((kind) => named(slots, `${kind}.${name}`).data),
      scalarList(config, atOf(name))
    )
}

/** Euclidean norm of all gradients together. */
export const gradientNorm = (gradients: Gradients): number => {
  let squares = 0
  for (const gradient of gradients.values()) for (const g of gradient) squares += g * g
  return Math.sqrt(squares)
}

/** The factor that brings gradients of a norm down to `clipNorm`. Source: PyTorch's `clip_grad_norm_`. */
export const clipFactor = (norm: number, clipNorm: number | undefined): number =>
  clipNorm === undefined ? 1 : Math.min(1, clipNorm / (norm + 1e-6))

/** Scales all gradients down to `clipNorm`, then cuts each at ± `clipValue`, in place; the norm that they had. */
export const clip = (gradients: Gradients, clipNorm: number | undefined, clipValue: number | undefined): number => {
  const norm = gradientNorm(gradients)
  const factor = clipFactor(norm, clipNorm)
  const most = clipValue ?? Infinity
  if (factor === 1 && most === Infinity) return norm
  for (const gradient of gradients.values())
    gradient.forEach((g, i) => (gradient[i] = Math.max(-most, Math.min(most, g * factor))))
  return norm
}
