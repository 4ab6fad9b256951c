import { Array as Arrays } from "effect"
import { adam, adamw } from "./optimizers/adam.ts"
import { lion } from "./optimizers/lion.ts"
import type { Optimizer, OptimizerSettings, Rule, UpdateAt } from "./optimizers/Optimizer.ts"
import { sgd } from "./optimizers/sgd.ts"

/** Every optimiser that a configuration can name: a new one is a file and a line here. */
export const optimizers = [sgd, adam, adamw, lion] as const

export type OptimizerKind = (typeof optimizers)[number]["kind"]

type Configured = OptimizerSettings & { readonly kind: OptimizerKind }

// One for each kind: the list's type says which they are.
const byKind = Object.fromEntries(optimizers.map((one) => [one.kind, one])) as Record<OptimizerKind, Optimizer>

/** All rules, each once. Threads and programs, which cannot be passed a function, identify a rule by its index here. */
export const rules: ReadonlyArray<Rule> = Arrays.dedupe(optimizers.flatMap(({ rules }): ReadonlyArray<Rule> => rules))

/** The rule of a configured optimiser. */
export const ruleOf = (config: Configured): Rule => byKind[config.kind].rule(config).rule

/** The numbers that are the same for all of a weight in a step, bias corrections included, by the rule's names. */
export const stepScalars = (config: Configured, at: UpdateAt): Readonly<Record<string, number>> =>
  byKind[config.kind].rule(config).scalarsAt(at)

/** The same in the rule's order. */
export const scalarList = (config: Configured, at: UpdateAt): ReadonlyArray<number> => {
  const values = stepScalars(config, at)
  return ruleOf(config).scalars.map((name) => values[name]!) // a rule and its scalars are of one file
}
