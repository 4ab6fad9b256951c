import { Effect } from "effect"

/** A function's value and gradient at a point. */
export interface Evaluated {
  readonly value: number
  readonly gradient: Float64Array
}

/** A step, and how the gradient changed along it. */
export interface Pair {
  readonly s: Float64Array
  readonly y: Float64Array
}

/** A smooth convex function, and what is known of it. */
export interface Problem<A extends Evaluated, E, R> {
  readonly at: (point: Float64Array) => Effect.Effect<A, E, R>
  /** Nearly the inverse of its second derivatives, applied to a vector. */
  readonly nearlyInverse: (vector: Float64Array) => Effect.Effect<Float64Array, E, R>
  /** Ends where no number of the gradient is larger. */
  readonly tolerance: number
  /** Ends also where the gain that is left, estimated by the second derivatives, is smaller. */
  readonly gain: number
  readonly mostSteps: number
}

/** Where to begin. */
export interface Start<A extends Evaluated> {
  readonly point: Float64Array
  /** The function there. */
  readonly evaluated: A
  /** Pairs of this function that are known already, the oldest first. */
  readonly pairs: ReadonlyArray<Pair>
}

/** The point that was found. */
export interface Minimum<A extends Evaluated> {
  readonly point: Float64Array
  readonly evaluated: A
  /** How often the function was evaluated, the start included. */
  readonly evaluations: number
  readonly isConverged: boolean
  /** The last steps. */
  readonly pairs: ReadonlyArray<Pair>
}

/** Steps that are remembered: 30 need half as many evaluations as 10, and more would cost as much as they save. */
const memory = 30

/** The share of the promised decrease that a step must bring (Armijo). */
const enough = 1e-4

const dot = (a: Float64Array, b: Float64Array): number => {
  // Four sums, which the processor adds side by side.
  let [one, two, three, four] = [0, 0, 0, 0]
  const end = a.length - (a.length % 4)
  for (let i = 0; i < end; i += 4) {
    one += a[i]! * b[i]!
    two += a[i + 1]! * b[i + 1]!
    three += a[i + 2]! * b[i + 2]!
    four += a[i + 3]! * b[i + 3]!
  }
  for (let i = end; i < a.length; i++) one += a[i]! * b[i]!
  return one + two + (three + four)
}

const plus = (a: Float64Array, factor: number, b: Float64Array): Float64Array => {
  const sum = new Float64Array(a.length)
  for (let i = 0; i < a.length; i++) sum[i] = a[i]! + factor * b[i]!
  return sum
}

const add = (a: Float64Array, factor: number, b: Float64Array): void => {
  for (let i = 0; i < a.length; i++) a[i]! += factor * b[i]!
}

const largest = (vector: Float64Array): number => vector.reduce((most, one) => Math.max(most, Math.abs(one)), 0)

/**
 * The minimum of a convex function by L-BFGS, which begins each direction with `nearlyInverse`.
 *
 * Source: Nocedal and Wright, Numerical Optimization, 2006, algorithms 7.4 and 7.5; steps are halved until they bring
 * enough (algorithm 3.1). No npm package of it is kept.
 */
export const lbfgs = Effect.fn("lbfgs")(function* <A extends Evaluated, E, R>(
  problem: Problem<A, E, R>,
  start: Start<A>
) {
  let { evaluated: here, point } = start
  let evaluations = 1
  const remember = ({ s, y }: Pair) => ({ s, y, rho: 1 / dot(s, y) })
  const pairs = start.pairs.slice(-memory).map(remember)
  let isConverged = false
  for (let step = 0; step < problem.mostSteps; step++) {
    isConverged = largest(here.gradient) <= problem.tolerance
    if (isConverged) break
    const q = here.gradient.slice()
    const alphas: Array<number> = []
    for (const { rho, s, y } of pairs.toReversed()) {
      const alpha = rho * dot(s, q)
      alphas.push(alpha)
      add(q, -alpha, y)
    }
    const direction = yield* problem.nearlyInverse(q)
    const last = pairs.at(-1)
    if (last !== undefined) {
      const scale = 1 / (last.rho * dot(last.y, yield* problem.nearlyInverse(last.y)))
      for (let i = 0; i < direction.length; i++) direction[i]! *= scale
    }
    for (const { rho, s, y } of pairs) add(direction, (alphas.pop() ?? 0) - rho * dot(y, direction), s)
    const slope = -dot(here.gradient, direction)
    // A Newton step would bring half the slope.
    isConverged = -slope / 2 <= problem.gain
    if (isConverged) break
    let length = 1
    let next: { readonly evaluated: A; readonly point: Float64Array } | undefined
    for (let half = 0; half < 20 && next === undefined; half++, length /= 2) {
      const moved = plus(point, -length, direction)
      const there = yield* problem.at(moved)
      evaluations++
      // Of a value that is not a number, nothing holds.
      if (there.value <= here.value + enough * length * slope) next = { evaluated: there, point: moved }
    }
    // Rounding hides what is left to gain.
    if (next === undefined) break
    const pair = { s: plus(next.point, -1, point), y: plus(next.evaluated.gradient, -1, here.gradient) }
    if (dot(pair.s, pair.y) > 0) pairs.push(remember(pair))
    if (pairs.length > memory) pairs.shift()
    point = next.point
    here = next.evaluated
    yield* Effect.yieldNow
  }
  return { point, evaluated: here, evaluations, isConverged, pairs } satisfies Minimum<A>
})
