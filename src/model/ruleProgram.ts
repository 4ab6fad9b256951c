import type { Arithmetic, Rule } from "./optimizers/Optimizer.ts"

/** How a language writes the expressions that differ between C and its relatives. */
export interface Language {
  readonly constant: (name: string, value: string) => string
  readonly sqrt: (a: string) => string
  readonly sign: (a: string) => string
}

/** A rule as the text of a program: constants, then an expression for the weight and for each slot. */
export const ruleText = (rule: Rule, { constant, sign, sqrt }: Language, valueOf: (name: string) => string) => {
  const lines: Array<string> = []
  const math: Arithmetic<string> = {
    add: (a, b) => `(${a} + ${b})`,
    sub: (a, b) => `(${a} - ${b})`,
    mul: (a, b) => `(${a} * ${b})`,
    div: (a, b) => `(${a} / ${b})`,
    sqrt,
    sign,
    name: (name, value) => {
      lines.push(constant(name, value))
      return name
    }
  }
  const names = [...rule.slots, ...rule.scalars]
  const values = Object.fromEntries(names.map((name) => [name, valueOf(name)]))
  const after = rule.apply(math, { ...values, weight: valueOf("weight"), gradient: valueOf("gradient") })
  return { lines, after }
}

/** One update of a weight and its slots, in place. Computed in float64, stored as float32. */
export type RuleProgram = (
  weight: Float32Array,
  gradient: Float32Array,
  slots: ReadonlyArray<Float32Array>,
  scalars: ReadonlyArray<number>
) => void

const javascript: Language = {
  constant: (name, value) => `const ${name} = ${value}`,
  sqrt: (a) => `Math.sqrt(${a})`,
  sign: (a) => `Math.sign(${a})`
}

/**
 * A rule as a loop over plain arrays. It is written as JavaScript and compiled: calling the rule for each number would
 * take many times as long.
 */
export const compileRule = (rule: Rule): RuleProgram => {
  const { after, lines } = ruleText(rule, javascript, (name) =>
    (rule.scalars as ReadonlyArray<string>).includes(name) ? name : `${name}_[i]`
  )
  const text = `
    ${rule.slots.length === 0 ? "" : `const [${rule.slots.map((slot) => `${slot}_`).join(", ")}] = slots`}
    const [${rule.scalars.join(", ")}] = scalars
    for (let i = 0; i < weight_.length; i++) {
      ${lines.join("\n      ")}
      const after = ${after.weight}
      ${rule.slots.map((slot) => `${slot}_[i] = ${after[slot]}`).join("\n      ")}
      weight_[i] = after
    }`
  // The text is made from the rule alone, from nothing that comes from outside.
  return new Function("weight_", "gradient_", "slots", "scalars", text) as RuleProgram
}
