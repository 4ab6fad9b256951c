/**
 * Twice the integral of Student's t density from 0 to t, for t = tan(angle) * sqrt(freedom): the probability of a value
 * between -t and t. `freedom` is a whole number from 1.
 *
 * Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, formulas 26.7.3 and 26.7.4.
 */
const within = (angle: number, freedom: number): number => {
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)]
  const isOdd = freedom % 2 === 1
  let term = isOdd ? cos : 1
  let sum = freedom === 1 ? 0 : term
  for (let k = isOdd ? 3 : 2; k <= freedom - 2; k += 2) {
    term *= (cos * cos * (k - 1)) / k
    sum += term
  }
  return isOdd ? (2 / Math.PI) * (angle + sin * sum) : sin * sum
}

/** The t that leaves out 5 % of Student's distribution, half of it on each side; `freedom` is a whole number from 1. */
export const studentT = (freedom: number): number => {
  let [low, high] = [0, Math.PI / 2]
  // Halved until no number lies between the two.
  for (let middle = high / 2; middle > low && middle < high; middle = (low + high) / 2)
    if (within(middle, freedom) < 0.95) low = middle
    else high = middle
  return Math.tan(high) * Math.sqrt(freedom)
}
