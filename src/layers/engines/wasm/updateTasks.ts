import { moveAverage } from "../../../model/ema.ts"
import { adam, sgd } from "../../../model/optimizer.ts"
import { float, task } from "./Task.ts"

/** Numbers in a piece. Part of what the bits depend on: a norm is the sum of its pieces' sums. */
export const chunk = 16384

const kinds = ["sgd", "adam", "adamw"] as const

/** The sum of squares of some numbers (the piece), in float64: `out` has two floats' room for each piece. */
export const squares = task(["x", "length", "out"], ({ length, out, x }, piece, { floats }) => {
  const from = x / float + piece * chunk
  const to = Math.min(x / float + length, from + chunk)
  let sum = 0
  for (let i = from; i < to; i++) sum += floats[i]! * floats[i]!
  new Float64Array(floats.buffer, out + piece * 8, 1)[0] = sum
})

/** Clips the gradient and moves the weight and its slots, in place, for some numbers (the piece). */
export const update = task(
  [
    "weight",
    "gradient",
    "first",
    "second",
    "length",
    "factor",
    "most",
    "kind",
    "momentum",
    "dampening",
    "nesterov",
    "beta1",
    "beta2",
    "eps",
    "weightDecay",
    "step",
    "learningRate"
  ],
  (args, piece, { floats }) => {
    const { factor, length, most } = args
    const from = piece * chunk
    const count = Math.min(chunk, length - from)
    const part = (address: number) => floats.subarray(address / float + from, address / float + from + count)
    const weight = part(args.weight)
    const gradient = part(args.gradient)
    if (factor !== 1 || most !== Infinity)
      for (let i = 0; i < count; i++) gradient[i] = Math.max(-most, Math.min(most, gradient[i]! * factor))
    const config = { ...args, kind: kinds[args.kind]!, nesterov: args.nesterov === 1 }
    if (config.kind === "sgd") sgd(config, weight, gradient, args.first === 0 ? undefined : part(args.first), args)
    else adam(config, weight, gradient, part(args.first), part(args.second), args)
  }
)

/** Moves an average to a weight, in place, for some numbers (the piece). */
export const average = task(["average", "weight", "length", "share"], (args, piece, { floats }) => {
  const from = piece * chunk
  const to = Math.min(from + chunk, args.length)
  const part = (address: number) => floats.subarray(address / float + from, address / float + to)
  moveAverage(part(args.average), part(args.weight), args.share)
})

/** A kind's number, as `update` takes it. */
export const kindNumber = (kind: (typeof kinds)[number]): number => kinds.indexOf(kind)
