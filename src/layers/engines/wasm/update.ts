import { rules } from "../../../model/optimizers.ts"
import { compileRule } from "../../../model/ruleProgram.ts"
import { double, float, task } from "./Task.ts"

/** Numbers in a piece. Part of what the bits depend on: a norm is the sum of its pieces' sums. */
export const chunk = 16384

/** The sum of squares of some numbers (the piece), in float64: `out` has two floats' room for each piece. */
export const squares = task(["x", "length", "out"], ({ length, out, x }, piece, { floats }) => {
  const from = x / float + piece * chunk
  const to = Math.min(x / float + length, from + chunk)
  let sum = 0
  for (let i = from; i < to; i++) sum += floats[i]! * floats[i]!
  new Float64Array(floats.buffer, out + piece * double, 1)[0] = sum
})

/** As many as the rule with the most of them has. */
const slotFields = Array.from({ length: Math.max(...rules.map(({ slots }) => slots.length)) }, (_, i) => `slot${i}`)
const scalarFields = Array.from(
  { length: Math.max(...rules.map(({ scalars }) => scalars.length)) },
  (_, i) => `scalar${i}`
)

const compiled = rules.map((rule) => ({ ...rule, program: compileRule(rule) }))

const compiledAt = (place: number) => {
  const found = compiled[place]
  if (found === undefined) throw new Error(`there is no optimiser's rule ${place}: the last one is ${rules.length - 1}`)
  return found
}

const argumentOf = (args: Readonly<Record<string, number>>, name: string): number => {
  const value = args[name]
  if (value === undefined) throw new Error(`an update without ${name}`)
  return value
}

/** Clips the gradient and moves the weight and its slots, in place, for some numbers (the piece). */
export const update = task<string>(
  ["weight", "gradient", "length", "factor", "most", "rule", ...slotFields, ...scalarFields],
  (args, piece, { floats }) => {
    const { factor, gradient, length, most, rule, weight } = args as Record<string, number> & UpdateArguments
    const from = piece * chunk
    const count = Math.min(chunk, length - from)
    const part = (address: number) => floats.subarray(address / float + from, address / float + from + count)
    const taken = part(gradient)
    if (factor !== 1 || most !== Infinity)
      for (let i = 0; i < count; i++) taken[i] = Math.max(-most, Math.min(most, taken[i]! * factor))
    const { program, scalars, slots } = compiledAt(rule)
    program(
      part(weight),
      taken,
      slots.map((_, i) => part(argumentOf(args, `slot${i}`))),
      scalars.map((_, i) => argumentOf(args, `scalar${i}`))
    )
  }
)

interface UpdateArguments {
  readonly weight: number
  readonly gradient: number
  readonly length: number
  readonly factor: number
  readonly most: number
  /** Its place in `rules`. */
  readonly rule: number
}

/** The arguments of `update` for a weight's step; what a rule does not have is 0. */
export const updateArguments = (
  own: UpdateArguments,
  slots: ReadonlyArray<number>,
  scalars: ReadonlyArray<number>
): Readonly<Record<string, number>> => ({
  ...own,
  ...Object.fromEntries(slotFields.map((name, i) => [name, slots[i] ?? 0])),
  ...Object.fromEntries(scalarFields.map((name, i) => [name, scalars[i] ?? 0]))
})
