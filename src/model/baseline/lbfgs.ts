import { Effect } from "effect"

/** A function's value and gradient at a point. */
export interface Evaluated {
  readonly value: number
  readonly gradient: Float64Array
}

/** A smooth convex function, and what is known of it. */
export interface Problem<E, R> {
  readonly at: (point: Float64Array) => Effect.Effect<Evaluated, E, R>
  /** Nearly the inverse of its second derivatives, applied to a vector. */
  readonly nearlyInverse: (vector: Float64Array) => Effect.Effect<Float64Array, E, R>
  /** Ends where no number of the gradient is larger. */
  readonly tolerance: number
  readonly mostSteps: number
}

/** The point that was found. */
export interface Minimum extends Evaluated {
  readonly point: Float64Array
  /** How often the function was evaluated. */
  readonly evaluations: number
  readonly isConverged: boolean
}

/** Steps that are remembered. */
const memory = 10

/** The share of the promised decrease that a step must bring (Armijo). */
const enough = 1e-4

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

const plus = (a: Float64Array, factor: number, b: Float64Array): Float64Array => {
  const sum = new Float64Array(a.length)
  for (let i = 0; i < a.length; i++) sum[i] = a[i]! + factor * b[i]!
  return sum
}

const largest = (vector: Float64Array): number => vector.reduce((most, one) => Math.max(most, Math.abs(one)), 0)

/**
 * The minimum of a convex function by L-BFGS, which begins each direction with `nearlyInverse`.
 *
 * Source: Nocedal and Wright, Numerical Optimization, 2006, algorithms 7.4 and 7.5; steps are halved until they bring
 * enough (algorithm 3.1). No npm package of it is kept.
 */
export const lbfgs = Effect.fn("lbfgs")(function* <E, R>(problem: Problem<E, R>, start: Float64Array) {
  let point = start
  let here = yield* problem.at(point)
  let evaluations = 1
  const pairs: Array<{ readonly s: Float64Array; readonly y: Float64Array; readonly rho: number }> = []
  for (let step = 0; step < problem.mostSteps && largest(here.gradient) > problem.tolerance; step++) {
    let q = here.gradient
    const alphas: Array<number> = []
    for (const { rho, s, y } of pairs.toReversed()) {
      const alpha = rho * dot(s, q)
      alphas.push(alpha)
      q = plus(q, -alpha, y)
    }
    let direction = yield* problem.nearlyInverse(q)
    const last = pairs.at(-1)
    if (last !== undefined) {
      const scale = 1 / (last.rho * dot(last.y, yield* problem.nearlyInverse(last.y)))
      direction = direction.map((one) => one * scale)
    }
    for (const { rho, s, y } of pairs) direction = plus(direction, (alphas.pop() ?? 0) - rho * dot(y, direction), s)
    const slope = -dot(here.gradient, direction)
    let length = 1
    let next: Evaluated | undefined
    for (let half = 0; half < 20 && next === undefined; half++, length /= 2) {
      const there = yield* problem.at(plus(point, -length, direction))
      evaluations++
      // Of a value that is not a number, nothing holds.
      if (there.value <= here.value + enough * length * slope) next = there
      if (next !== undefined) break
    }
    // Rounding hides what is left to gain.
    if (next === undefined) break
    const moved = plus(point, -length, direction)
    const s = plus(moved, -1, point)
    const y = plus(next.gradient, -1, here.gradient)
    const curvature = dot(s, y)
    if (curvature > 0) pairs.push({ s, y, rho: 1 / curvature })
    if (pairs.length > memory) pairs.shift()
    point = moved
    here = next
    yield* Effect.yieldNow
  }
  return { ...here, point, evaluations, isConverged: largest(here.gradient) <= problem.tolerance } satisfies Minimum
})
