import { Schema } from "effect"
import { between, setting, Share } from "../../config/Setting.ts"

/** The keys in the configuration's `train.optimizer`, beside the kind, with PyTorch's names, defaults and semantics. */
export const optimizerSettings = {
  momentum: setting(between(0, 0.9999), 0, "sgd: momentum"),
  dampening: setting(Share, 0, "sgd: dampening of the momentum"),
  nesterov: setting(Schema.Boolean, false, "sgd: Nesterov momentum (needs a momentum, and no dampening)"),
  beta1: setting(
    between(0, 0.999999),
    0.9,
    "adam, adamw, lion: decay of the gradient's running mean; lion: of the one that tells the direction"
  ),
  beta2: setting(
    between(0, 0.999999),
    0.999,
    "adam, adamw: decay of the squared gradient's running mean; lion: of the gradient's, where 0.99 is usual"
  ),
  eps: setting(between(1e-12, 1), 1e-8, "adam, adamw: added to the root, against division by zero"),
  weightDecay: setting(
    between(0, 1),
    0,
    "L2 penalty added to the gradient (sgd, adam), or decoupled decay (adamw, lion)"
  )
}
const OptimizerSettings = Schema.Struct(optimizerSettings)
export type OptimizerSettings = typeof OptimizerSettings.Type

/** The arithmetic that a rule is written in. Each engine has its own: on tensors, or on the text of a program. */
export interface Arithmetic<T> {
  readonly add: (a: T, b: T) => T
  readonly sub: (a: T, b: T) => T
  readonly mul: (a: T, b: T) => T
  readonly div: (a: T, b: T) => T
  readonly sqrt: (a: T) => T
  /** -1, 0 or 1. */
  readonly sign: (a: T) => T
  /** The value itself, under a name, so that it is computed once and used several times. */
  readonly name: (name: string, value: T) => T
}

/**
 * How one number of a weight, and the numbers that belong to it in the optimiser's slots, change in a step.
 *
 * Written once, in any arithmetic: the engines compute the same formula.
 */
export interface Rule<Slot extends string = string, Scalar extends string = string> {
  /** Unique among all rules. */
  readonly name: string
  /** The values that are kept for each weight from step to step; zero before the first step. */
  readonly slots: ReadonlyArray<Slot>
  /** Numbers that are the same for all of a weight, in a step. */
  readonly scalars: ReadonlyArray<Scalar>
  apply<T>(
    math: Arithmetic<T>,
    values: { readonly weight: T; readonly gradient: T } & { readonly [K in Slot | Scalar]: T }
  ): { readonly weight: T } & { readonly [K in Slot]: T }
}

/** When an update is made: `step` counts the updates before it. */
export interface UpdateAt {
  readonly step: number
  readonly learningRate: number
}

/**
 * An optimiser. A new one is a file beside this one, and a line in `optimizers.ts`: engines that have no kernel of their
 * own for its rules compose them.
 */
export interface Optimizer<Kind extends string = string> {
  readonly kind: Kind
  readonly rules: ReadonlyArray<Rule>
  /** The rule that a configuration asks for, one of `rules`, with the scalars of a step. */
  readonly rule: (config: OptimizerSettings) => {
    readonly rule: Rule
    readonly scalarsAt: (at: UpdateAt) => Readonly<Record<string, number>>
  }
}
