/** Pixels of a chart's text, and of a square letter of it. */
export const fontSize = 12

/** Widths in parts of the font's size: those of DejaVu Sans, the widest of the fonts that systems show, or more. */
const widths: ReadonlyArray<readonly [RegExp, number]> = [
  [/[iIjl.,:;|!'` ]/, 0.4],
  [/[frt()[\]{}\-/\\"*°]/, 0.5],
  [/[mMW@%…—<>=+~^]/, 1],
  [/[A-ZQw&#_$?]/, 0.82],
  [/[\u0020-\u007e]/, 0.65],
  [/[\u00a0-\u1fff]/, 0.85]
]

const widthOf = (letter: string) => {
  const found = widths.find(([letters]) => letters.test(letter))
  // All other characters are as wide as high, or wider: Chinese, Japanese, Korean, emoji.
  return found === undefined ? ((letter.codePointAt(0) ?? 0) > 0xffff ? 1.4 : 1.05) : found[1]
}

/** Pixels that a text takes at most: there is no font to ask where a chart is drawn. */
export const textWidth = (text: string): number =>
  fontSize * Array.from(text, widthOf).reduce((sum, width) => sum + width, 0)

/** The text, or as much of it as `width` pixels hold, and an ellipsis. */
export const fitted = (text: string, width: number): string => {
  if (textWidth(text) <= width) return text
  const letters = Array.from(text)
  while (letters.length > 1 && textWidth(`${letters.join("")}…`) > width) letters.pop()
  return `${letters.join("").trimEnd()}…`
}
