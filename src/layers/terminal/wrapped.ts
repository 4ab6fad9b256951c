/** A text as lines of at most so many columns, broken between words; a word that is longer than a line stays whole. */
export const wrapped = (text: string, columns: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(/(?<=\S)(?=\s)/)) {
    const line = lines.at(-1)
    if (line === undefined) lines.push(word)
    else if (line.length + word.length <= columns) lines[lines.length - 1] = line + word
    else lines.push(`  ${word.trimStart()}`)
  }
  return lines
}
