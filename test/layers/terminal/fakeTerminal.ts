const commands = new RegExp(String.raw`\x1b\[(\d+)A|\x1b\[J|[^]`, "gu")

/** A terminal that does what the screen asks of one: text, line ends, carriage returns, up, and erasing downwards. */
export const fakeTerminal = (columns: number) => {
  const rows: Array<string> = [""]
  let [row, column] = [0, 0]
  const put = (character: string) => {
    if (column === columns) [row, column] = [row + 1, 0]
    while (rows.length <= row) rows.push("")
    rows[row] = rows[row]!.padEnd(column).slice(0, column) + character + rows[row]!.slice(column + 1)
    column++
  }
  const write = (text: string) => {
    for (const [part, up] of text.matchAll(commands))
      if (part === "\u001b[J") {
        rows.length = row + 1
        rows[row] = rows[row]!.slice(0, column)
      } else if (up !== undefined) row -= Number(up)
      else if (part === "\r") column = 0
      else if (part === "\n") {
        ;[row, column] = [row + 1, 0]
        while (rows.length <= row) rows.push("")
      } else put(part)
  }
  return { rows, write, size: () => ({ columns, rows: 24 }) }
}
