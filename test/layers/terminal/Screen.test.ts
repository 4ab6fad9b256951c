import { assert, describe, it } from "@effect/vitest"
import { makeScreen } from "../../../src/layers/terminal/Screen.ts"
import { fakeTerminal } from "./fakeTerminal.ts"

describe("a screen", () => {
  it("draws lines over the ones before, whether they are more or fewer", () => {
    const { rows, size, write } = fakeTerminal(20)
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

  it("keeps lasting lines above the drawn ones", () => {
    const { rows, size, write } = fakeTerminal(20)
    const screen = makeScreen({ size, write })
    screen.say("first", [])
    screen.draw(["table", "bar"])
    screen.say("second", ["table"])
    screen.draw(["table", "bar"])
    screen.say("third", [])
    assert.deepStrictEqual(rows, ["first", "second", "third", ""])
  })

  it("erases lines that a terminal made narrower has broken", () => {
    const { rows, write } = fakeTerminal(4)
    const screen = makeScreen({ write, size: () => ({ columns: 4, rows: 24 }) })
    screen.draw(["abcdefghi", "jk"])
    assert.deepStrictEqual(rows, ["abcd", "efgh", "i", "jk"])
    screen.draw(["x"])
    assert.deepStrictEqual(rows, ["x"])
  })

  it("writes nothing that a terminal would obey, and keeps its place beneath it", () => {
    const { rows, size, write } = fakeTerminal(40)
    const screen = makeScreen({ size, write })
    screen.draw(["name \u001b[2J\r", "two\nlines"])
    assert.deepStrictEqual(rows, ["name \\u001b[2J\\r", "two\\nlines"])
    screen.say("note\u009b \u202e", ["bar"])
    assert.deepStrictEqual(rows, ["note\\u009b \\u202e", "bar"])
  })
})
