/** A lower and an upper bound. */
export interface Interval {
  readonly low: number
  readonly high: number
}

/** The 97.5 % quantile of the standard normal distribution: both bounds together leave out 5 %. */
export const z95 = 1.959963984540054

/**
 * Wilson's score interval for a share: `hits` of `samples`, by default at 95 %; null where there are no samples.
 *
 * It stays within 0 and 1 and has the right coverage for small samples and for shares near 0 and 1, unlike p ± z σ.
 * Sources: Wilson, Probable inference, the law of succession, and statistical inference, 1927; recommended by Brown, Cai
 * and DasGupta, Interval Estimation for a Binomial Proportion, 2001.
 */
export const wilson = (hits: number, samples: number, z = z95): Interval | null => {
  if (!(samples > 0)) return null
  const share = hits / samples
  const square = (z * z) / samples
  const centre = (share + square / 2) / (1 + square)
  const half = (z / (1 + square)) * Math.sqrt((share * (1 - share)) / samples + square / (4 * samples))
  // At shares of 0 and 1, rounding would put the share itself outside.
  return { low: Math.max(0, Math.min(share, centre - half)), high: Math.min(1, Math.max(share, centre + half)) }
}
