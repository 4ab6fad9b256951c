import type { Draw } from "./draw.ts"

/** A number from Gamma(shape, 1), as its logarithm. Source: Marsaglia and Tsang, 2000, with their boost below 1. */
const logGammaOf = (random: Draw, shape: number): number => {
  if (shape < 1) return logGammaOf(random, shape + 1) + Math.log(1 - random.next()) / shape
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = random.normal()
    const v = (1 + c * x) ** 3
    if (v <= 0) continue
    if (Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d) + Math.log(v)
  }
}

/**
 * A number from Beta(alpha, alpha), from 0 to 1; `alpha` is above 0.
 *
 * X / (X + Y) of two Gammas, by their logarithms: for a small alpha both are too small for a number. Source: Johnson,
 * Kotz and Balakrishnan, Continuous Univariate Distributions 2, chapter 25.
 */
export const betaOf = (random: Draw, alpha: number): number => {
  const x = logGammaOf(random, alpha)
  const y = logGammaOf(random, alpha)
  return 1 / (1 + Math.exp(y - x))
}
