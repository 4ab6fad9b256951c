import { assert, describe, it } from "@effect/vitest"
import { actionOf, gridKeys, letters } from "../../../../src/layers/desk/page/client/keys.ts"
import type { Place } from "../../../../src/layers/desk/page/client/keys.ts"
import { texts } from "../../../../src/layers/desk/page/client/texts.ts"

const press = (
  place: Place,
  key: string,
  more: Partial<Record<"ctrl" | "alt" | "shift" | "asText" | "zoomed", boolean>> & { typed?: string } = {}
) =>
  actionOf(
    place,
    { key, ctrl: more.ctrl ?? false, alt: more.alt ?? false, shift: more.shift ?? false },
    { typed: more.typed ?? "", asText: more.asText ?? false, zoomed: more.zoomed ?? false }
  )

describe("keys", () => {
  it("leaves every letter to type-ahead where classes are chosen by name, as names begin with s and u too", () => {
    for (const letter of "abcdefghijklmnopqrstuvwxyzSUÄéж")
      for (const place of ["tag", "gridClasses"] as const) assert.isNull(press(place, letter), `${place} ${letter}`)
  })
  it("skips, takes back and helps by keys that no name begins with", () => {
    assert.deepStrictEqual(press("tag", "-"), { do: "skip" })
    assert.deepStrictEqual(press("tag", "Backspace"), { do: "back" })
    assert.deepStrictEqual(press("tag", "?", { shift: true }), { do: "help" })
    assert.deepStrictEqual(press("tag", "z", { ctrl: true }), { do: "undo" })
    assert.isNull(press("tag", "Backspace", { typed: "sh" }))
  })
  it("reads letters as commands after Escape, and at once where no name is asked for", () => {
    assert.deepStrictEqual(press("tag", "Escape"), { do: "commands" })
    assert.deepStrictEqual(press("tag", "Escape", { typed: "s" }), { do: "clear" })
    for (const [letter, action] of Object.entries(letters)) assert.deepStrictEqual(press("commands", letter), action)
    assert.deepStrictEqual(press("progress", "g"), { do: "view", view: "grid" })
    assert.deepStrictEqual(press("commands", "z"), { do: "close" })
  })
  it("takes digits as lines, and after a slash as text", () => {
    assert.deepStrictEqual(press("tag", "3", { typed: "sh" }), { do: "take", line: 2 })
    assert.deepStrictEqual(press("tag", "/"), { do: "asText" })
    assert.isNull(press("tag", "3", { asText: true }))
    assert.isNull(press("tag", "-", { asText: true, typed: "3" }))
  })
  it("leaves what belongs to the browser alone", () => {
    for (const key of ["r", "c", "1"]) assert.isNull(press("tag", key, { ctrl: true }))
    assert.isNull(press("tag", "ArrowLeft", { typed: "sh" }))
    assert.isNull(press("tag", "1", { alt: true }))
  })
  it("moves the photo with the arrows while it is enlarged", () => {
    assert.deepStrictEqual(press("tag", "ArrowDown", { zoomed: true }), { do: "pan", x: 0, y: 1 })
    assert.deepStrictEqual(press("tag", "ArrowDown"), { do: "move", by: 1 })
  })
  it("gives each photo of a grid a key of its own", () => {
    assert.strictEqual(new Set(gridKeys).size, 36)
    gridKeys.forEach((key, cell) => assert.deepStrictEqual(press("gridPhotos", key), { do: "mark", cell }))
    assert.deepStrictEqual(press("gridPhotos", "Q"), { do: "mark", cell: gridKeys.indexOf("q") })
    assert.deepStrictEqual(press("gridPhotos", "Enter"), { do: "confirmAll" })
  })
  it("asks before a model changes, by capitals alone", () => {
    for (const letter of "RXPFB") assert.isNotNull(press("models", letter, { shift: true }))
    assert.deepStrictEqual(press("models", "p"), { do: "view", view: "progress" })
    assert.deepStrictEqual(press("sure", "Enter"), { do: "yes" })
    assert.deepStrictEqual(press("sure", "x"), { do: "close" })
  })
  it("names every command in the help's bar", () => {
    assert.deepStrictEqual(Object.keys(texts.commands.names).sort(), Object.keys(letters).sort())
  })
})
