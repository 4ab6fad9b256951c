import { assert, describe, it } from "@effect/vitest"
import { cutMessage } from "../../src/cli/failure.ts"

describe("an error's text", () => {
  it("of a few lines is shown as it is", () => {
    const text = "list.csv: line 3\n  - one\n  - two"
    assert.strictEqual(cutMessage(text), text)
  })

  it("of thousands of lines, or of a whole file in one, is far below what a pipe holds", () => {
    const long = cutMessage(`file: ${"x".repeat(20_000_000)}`)
    assert.isBelow(long.length, 3000)
    assert.match(long, /^file: x+ … \(and 19,998,006 more characters\)$/)
    const many = cutMessage(Array.from({ length: 20_000 }, (_, i) => `there is no key k${i}`).join("\n"))
    assert.isBelow(many.length, 64 * 1024)
    assert.match(many, /^there is no key k0\n/)
    assert.match(many, /\n… and 19,940 more lines$/)
  })
})
