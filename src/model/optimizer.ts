import type { Parameter } from "./shapes.ts"
import type { Weights } from "./Tensor.ts"
import { sizeOf } from "./Tensor.ts"
import type { OptimizerConfig } from "./TrainConfig.ts"

/** Gradients by the name of their weight, in its layout. */
export type Gradients = ReadonlyMap<string, Float32Array>

/** When an update is made: `step` counts the updates before it. */
export interface UpdateAt {
  readonly step: number
  readonly learningRate: number
}

/** The slots that an optimiser keeps for each weight: `KIND.NAME`. Without a momentum, sgd keeps none. */
export const slotKinds = (config: OptimizerConfig): ReadonlyArray<"momentum" | "mean" | "variance"> => {
  if (config.kind !== "sgd") return ["mean", "variance"]
  return config.momentum === 0 ? [] : ["momentum"]
}

/** The slots before the first step, all zero. */
export const emptySlots = (config: OptimizerConfig, parameters: ReadonlyArray<Parameter>): Weights =>
  new Map(
    parameters
      .filter(({ trainable }) => trainable)
      .flatMap(({ name, shape }) =>
        slotKinds(config).map((kind) => [`${kind}.${name}`, { shape, data: new Float32Array(sizeOf(shape)) }] as const)
      )
  )

/**
 * One update of a weight by stochastic gradient descent, in place; `momentum` where the settings have one.
 *
 * The first step fills the momentum with the whole gradient: the dampening begins at the second.
 * Source: PyTorch's `torch.optim.SGD`. Computed in float64, stored as float32.
 */
export const sgd = (
  { dampening, momentum, nesterov, weightDecay }: OptimizerConfig,
  weight: Float32Array,
  gradient: Float32Array,
  slot: Float32Array | undefined,
  { learningRate, step }: UpdateAt
): void => {
  for (let i = 0; i < weight.length; i++) {
    const decayed = gradient[i]! + weightDecay * weight[i]!
    let change = decayed
    if (slot !== undefined) {
      const moved = step === 0 ? decayed : momentum * slot[i]! + (1 - dampening) * decayed
      slot[i] = moved
      change = nesterov ? decayed + momentum * moved : moved
    }
    weight[i] = weight[i]! - learningRate * change
  }
}

/**
 * One update of a weight by Adam (Kingma and Ba, 2015) or AdamW (Loshchilov and Hutter, 2019), in place.
 *
 * Source: PyTorch's `torch.optim.Adam` and `AdamW`. Computed in float64, stored as float32.
 */
export const adam = (
  { beta1, beta2, eps, kind, weightDecay }: OptimizerConfig,
  weight: Float32Array,
  gradient: Float32Array,
  mean: Float32Array,
  variance: Float32Array,
  { learningRate, step }: UpdateAt
): void => {
  const rate = learningRate / (1 - beta1 ** (step + 1))
  const root = Math.sqrt(1 - beta2 ** (step + 1))
  const penalty = kind === "adam" ? weightDecay : 0
  const keep = kind === "adamw" ? 1 - learningRate * weightDecay : 1
  for (let i = 0; i < weight.length; i++) {
    const g = gradient[i]! + penalty * weight[i]!
    const m = beta1 * mean[i]! + (1 - beta1) * g
    const v = beta2 * variance[i]! + (1 - beta2) * g * g
    mean[i] = m
    variance[i] = v
    weight[i] = keep * weight[i]! - (rate * m) / (Math.sqrt(v) / root + eps)
  }
}

/** One update of every weight that has a gradient, in place; `slots` as `emptySlots` made them, `atOf` by the weight's name. */
export const update = (
  config: OptimizerConfig,
  weights: Weights,
  gradients: Gradients,
  slots: Weights,
  atOf: (name: string) => UpdateAt
): void => {
  for (const [name, gradient] of gradients) {
    const at = atOf(name)
    const weight = weights.get(name)!.data
    const slot = (kind: string) => slots.get(`${kind}.${name}`)?.data
    if (config.kind === "sgd") sgd(config, weight, gradient, slot("momentum"), at)
    else adam(config, weight, gradient, slot("mean")!, slot("variance")!, at)
  }
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
    for (let i = 0; i < gradient.length; i++) gradient[i] = Math.max(-most, Math.min(most, gradient[i]! * factor))
  return norm
}
