import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { visibleConsole } from "../../../src/layers/terminal/TerminalConsole.ts"
import { visible, visibleLine } from "../../../src/layers/terminal/visible.ts"

/** Whether a terminal would obey a character, or hide it. */
const isObeyed = (code: number) =>
  (code < 0x20 && code !== 0x0a) ||
  (code >= 0x7f && code <= 0x9f) ||
  [0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0xfeff].includes(code) ||
  (code >= 0x202a && code <= 0x202e) ||
  (code >= 0x2066 && code <= 0x2069) ||
  (code >= 0xd800 && code <= 0xdfff)

describe("what a terminal is given", () => {
  it("has none of the characters that it would obey, and every other one as it is", () => {
    for (let code = 0; code < 0x3100; code++) {
      const character = String.fromCharCode(code)
      const shown = visible(`a${character}b`)
      if (isObeyed(code)) assert.match(shown, /^a\\(?:[rt]|u[0-9a-f]{4})b$/, `U+${code.toString(16)}`)
    }
    const plain = "Zoë's \\ “größe” 東京 عربي 👩‍👧 100 %\nnext line"
    assert.strictEqual(visible(plain), plain)
    assert.strictEqual(visible("\u001b[2J\u001b]0;title\u0007"), "\\u001b[2J\\u001b]0;title\\u0007")
    assert.strictEqual(visible("photo\u202egpj.exe"), "photo\\u202egpj.exe")
    assert.strictEqual(visible("half \ud83d pair"), "half \\ud83d pair")
    assert.strictEqual(visible("tag\u{e0041}"), "tag\\udb40\\udc41")
  })

  it("is one line of a name, whatever breaks lines in it", () => {
    assert.strictEqual(visibleLine("a\nb\r\nc\u0085d\u2028e"), "a\\nb\\r\\nc\\u0085d\\u2028e")
  })

  it.prop("keeps the meaning of JSON", { value: Schema.Array(Schema.String) }, ({ value }) => {
    const hostile = [...value, "\u001b\u202e\u0085\u{e0041}", "\ud83d"]
    assert.deepStrictEqual(JSON.parse(visible(JSON.stringify(hostile, null, 2))), hostile)
  })

  it("goes through the console, whichever way it comes", () => {
    const written: Array<string> = []
    const write = (...parts: ReadonlyArray<unknown>) => void written.push(parts.join(" "))
    const console = visibleConsole({ ...globalThis.console, log: write, error: write, warn: write, info: write })
    console.log("a\u001b[1m", { name: "b\u202e" })
    console.error("a\u0007")
    console.warn("a\r")
    console.info(new Error("a\u009b"))
    assert.lengthOf(written, 4)
    for (const text of written) assert.notMatch(text, /[^\P{Cc}\n]|\p{Bidi_Control}/u)
  })
})
