/** Edits (insert, delete, replace) between two texts. Source: V. Levenshtein, 1966. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const above = row
    row = [i]
    for (let j = 1; j <= b.length; j++)
      // Both rows have b.length + 1 entries.
      row[j] = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
  }
  return row[b.length]!
}

/** Nobody mistypes a name of more characters. */
const longestText = 200

/** The candidate that a mistyped text most likely means, case aside, or none when all are far off. */
export const nearest = (text: string, candidates: Iterable<string>): string | undefined => {
  if (text.length > longestText) return undefined
  const lower = text.toLowerCase()
  let best: string | undefined
  let least = Math.max(2, Math.floor(text.length / 3)) + 1
  for (const candidate of candidates) {
    // No fewer edits than the lengths differ: a text of a megabyte is near to nothing.
    if (Math.abs(text.length - candidate.length) >= least) continue
    const edits = distance(lower, candidate.toLowerCase())
    if (edits < least) {
      least = edits
      best = candidate
    }
  }
  return best
}
