import { elementAt } from "../pipeline/elementAt.ts"

/** The longest text that is compared: the time grows with the square of the length. */
const longest = 100

/**
 * Edits (insert, delete, replace, exchange two neighbours) between two texts.
 * Source: optimal string alignment, after F. Damerau, 1964.
 */
const distance = (a: string, b: string): number => {
  let before: ReadonlyArray<number> = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = elementAt(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const edits = Math.min(elementAt(row, j) + 1, elementAt(next, j - 1) + 1, replaced)
      const isExchange = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      next[j] = isExchange ? Math.min(edits, elementAt(before, j - 2) + 1) : edits
    }
    before = row
    row = next
  }
  return elementAt(row, b.length)
}

/** Whether a text can be named as what was meant: neither blank, nor with control characters, as a binary file has. */
const isNameable = (text: string): boolean => text.length <= longest && /\S/.test(text) && !/[\p{Cc}\uFFFD]/u.test(text)

/**
 * The candidate that a mistyped text most likely means, case aside: one that differs in a third of its characters at
 * most. None when all are far off.
 */
export const nearest = (text: string, candidates: Iterable<string>): string | undefined => {
  if (!isNameable(text)) return undefined
  const lower = text.toLowerCase()
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const most = Math.floor(Math.max(text.length, candidate.length) / 3)
    // No fewer edits than the lengths differ.
    if (Math.abs(text.length - candidate.length) > most || !isNameable(candidate)) continue
    const edits = distance(lower, candidate.toLowerCase())
    if (edits <= most && edits < least) {
      least = edits
      best = candidate
    }
  }
  return best
}
