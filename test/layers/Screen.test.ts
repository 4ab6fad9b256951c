import { assert, describe, it } from "@effect/vitest"
import { makeScreen } from "../../src/layers/Screen.ts"

const commands = new RegExp(String.raw`\x1b\[(\d+)A|\x1b\[J|[^]`, "gu")

/** A terminal that does what the screen asks of one: text, line ends, carriage returns, up, and erasing downwards. */
const terminal = (columns: number) => {
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

describe("a screen", () => {
  it("draws lines over the ones before, whether they are more or fewer", () => {
    const { rows, size, write } = terminal(20)
    const screen = makeScreen({ size, write })
    screen.draw(["one", "two", "three"])
    assert.deepStrictEqual(rows, ["one", "two", "three"])
    screen.draw(["1"])
    assert.deepStrictEqual(rows, ["1"])
    screen.draw(["a", "b"])
    assert.deepStrictEqual(rows, ["a", "b"])
    screen.clear()
    assert.deepStrictEqual(rows, [""])
  })

  it("keeps what is said above what is drawn", () => {
    const { rows, size, write } = terminal(20)
    const screen = makeScreen({ size, write })
    screen.say("first", [])
    screen.draw(["table", "bar"])
    screen.say("second", ["table"])
    screen.draw(["table", "bar"])
    screen.say("third", [])
    assert.deepStrictEqual(rows, ["first", "second", "third", ""])
  })

  it("erases lines that a terminal made narrower has broken", () => {
    const { rows, write } = terminal(4)
    const screen = makeScreen({ write, size: () => ({ columns: 4, rows: 24 }) })
    screen.draw(["abcdefghi", "jk"])
    assert.deepStrictEqual(rows, ["abcd", "efgh", "i", "jk"])
    screen.draw(["x"])
    assert.deepStrictEqual(rows, ["x"])
  })
})
