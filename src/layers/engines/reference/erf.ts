/** From here on, 1 - erf(x) is below half of float64's smallest step at 1. */
const last = 6

/**
 * The error function, to some units in the last place of float64: 2 / sqrt(pi) exp(-x²) Σ 2ⁿ x^(2n+1) / (1 · 3 · … (2n+1)), a
 * sum of which no term is below 0. Source: Abramowitz and Stegun, 7.1.6.
 */
export const erf = (x: number): number => {
  if (Math.abs(x) >= last) return Math.sign(x)
  const square = 2 * x * x
  let term = x
  let sum = x
  for (let odd = 3; Math.abs(term) > 1e-17 * Math.abs(sum); odd += 2) {
    term *= square / odd
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}
