import { assert, describe, it } from "@effect/vitest"
import { similarLabels, similarLabelsNote } from "../../src/pipeline/similarLabels.ts"

const counts = (...labels: ReadonlyArray<string>) => new Map(labels.map((label, index) => [label, 10 - index]))

describe("similarLabels", () => {
  it("finds labels that differ by case, Unicode form, unseen or outer characters", () => {
    for (const [one, other] of [
      ["Tops", "tops"],
      ["Straße", "STRASSE"],
      ["Caf\u00e9", "Cafe\u0301"],
      ["Tops", "Ｔｏｐｓ"],
      ["Tops", "To\u200bps"],
      ["Tops", "\ufeffTops"],
      ["Tops", "Tops\u00ad"],
      ["Tops", '"Tops"'],
      ["Tops", "Tops."],
      ["Tops", "- Tops"],
      ["Tops", "«Tops»"],
      ["Lip Gloss", "Lip  Gloss"],
      ["Lip Gloss", "Lip\u00a0Gloss"]
    ] as const)
      assert.strictEqual(similarLabels(counts(one, other)).length, 1, `${one} ${other}`)
  })

  it("leaves alone what may well be two classes", () => {
    assert.deepStrictEqual(similarLabels(counts("C", "C++", "C#", "A", "A+", "Bra", "Bras", "T-Shirt", "TShirt")), [])
    assert.deepStrictEqual(similarLabels(counts("-", "--", "?", "!")), [])
  })

  it("shows what cannot be seen, and speaks of allowed labels alone where there is a list", () => {
    const found = counts("Tops", "To\u200bps", "tops", "Cafe\u0301", "Caf\u00e9", "Bags")
    assert.strictEqual(
      similarLabelsNote(found, undefined),
      "labels that differ only by case, Unicode form or hardly visible characters are separate classes: " +
        '"Tops" (10), "To\\u{200b}ps" (9), "tops" (8); "Cafe\\u{301}" (7), "Café" (6). ' +
        "If they mean the same, give them one spelling"
    )
    assert.isUndefined(similarLabelsNote(found, ["Bags"]))
    assert.include(similarLabelsNote(found, ["tops"]) ?? "", '"Tops" (10)')
    assert.isUndefined(similarLabelsNote(counts("Tops", "Bags"), undefined))
  })
})
