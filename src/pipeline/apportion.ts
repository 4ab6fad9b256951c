/**
 * Divides a whole number by weights: each part is as near to its share as a whole number can be, and at least `least`.
 *
 * Largest remainders (Hamilton's method) among those whose share is above `least`; the first wins a tie. A weight of 0
 * gets nothing. The parts add up to `total`, which must be enough for `least` each.
 */
export const apportion = (total: number, weights: ReadonlyArray<number>, least: number): ReadonlyArray<number> => {
  const parts = weights.map(() => 0)
  let open = weights.flatMap((weight, index) => (weight > 0 ? [{ index, weight }] : []))
  let left = total
  // Weights whose share is too small get `least`; the rest is divided again, until no share is too small.
  for (;;) {
    const sum = open.reduce((sum, { weight }) => sum + weight, 0)
    const small = open.filter(({ weight }) => (left * weight) / sum < least)
    if (small.length === 0) {
      const shares = open.map(({ index, weight }) => ({ index, share: (left * weight) / sum }))
      const rest = left - shares.reduce((given, { share }) => given + Math.floor(share), 0)
      const byRemainder = shares.toSorted((a, b) => (b.share % 1) - (a.share % 1) || a.index - b.index)
      for (const [i, { index, share }] of byRemainder.entries()) parts[index] = Math.floor(share) + (i < rest ? 1 : 0)
      return parts
    }
    for (const { index } of small) parts[index] = least
    left -= small.length * least
    open = open.filter((part) => !small.includes(part))
  }
}
