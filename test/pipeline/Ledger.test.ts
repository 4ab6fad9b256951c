import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Ledger from "../../src/pipeline/Ledger.ts"

const refusals: ReadonlyArray<Ledger.Refusal> = [
  { line: 4, reason: "classTooSmall", id: "7", label: "Scarf", detail: "its class has 2 rows" },
  { line: 5, reason: "malformed", text: 'a,"b\n', detail: "4 fields instead of 3" },
  { line: 9, reason: "malformed", text: "", detail: "1 field instead of 3" },
  Ledger.refuse({ line: 12, id: "8", label: "Shirt" }, "imageMissing", "there is no such file")
]

describe("Ledger", () => {
  it("counts by reason, in the order of the reasons", () => {
    assert.deepStrictEqual(Object.entries(Ledger.countByReason(refusals)), [
      ["malformed", 2],
      ["imageMissing", 1],
      ["classTooSmall", 1]
    ])
  })

  it("tells faults from choices", () => {
    assert.strictEqual(Ledger.countFaults(refusals), 3)
    assert.strictEqual(Ledger.shareOfFaults({ listed: 12, refusals }), 0.25)
    assert.strictEqual(Ledger.shareOfFaults({ listed: 0, refusals: [] }), 0)
    for (const reason of Ledger.Choice.literals) assert.isFalse(Ledger.isFault(reason))
    for (const reason of Ledger.Fault.literals) assert.isTrue(Ledger.isFault(reason))
  })

  it("adds up: what is listed is kept, refused for a fault, or left out by a choice", () => {
    const counts = Ledger.ledgerCounts({ listed: 12, kept: 8, refusals, overLimit: 0 })
    assert.deepStrictEqual(counts, {
      listed: 12,
      kept: 8,
      refused: { malformed: 2, imageMissing: 1 },
      leftOut: { classTooSmall: 1 }
    })
    for (const reason of Ledger.Reason.literals) {
      const { leftOut, refused } = Ledger.byKind({ [reason]: 3 })
      assert.deepStrictEqual(Ledger.isFault(reason) ? refused : leftOut, { [reason]: 3 })
      assert.deepStrictEqual(Ledger.isFault(reason) ? leftOut : refused, {})
    }
  })

  it.effect("is a JSON document a line", () =>
    Effect.gen(function* () {
      const text = yield* Schema.encodeEffect(Ledger.RefusalLines)(refusals)
      assert.strictEqual(
        text.split("\n")[1],
        '{"line":5,"reason":"malformed","text":"a,\\"b\\n","detail":"4 fields instead of 3"}'
      )
      assert.strictEqual(text.split("\n").length, 5)
      assert.isTrue(text.endsWith("}\n"))
    })
  )

  it.effect.prop("comes back from its lines", { refusals: Schema.Array(Ledger.Refusal) }, ({ refusals }) =>
    Effect.gen(function* () {
      const text = yield* Schema.encodeEffect(Ledger.RefusalLines)(refusals)
      assert.deepStrictEqual(yield* Schema.decodeEffect(Ledger.RefusalLines)(text), refusals)
    })
  )

  it("is one sum, with the most frequent reason first", () => {
    assert.strictEqual(
      Ledger.sumText({
        listed: 4000,
        kept: 3627,
        refused: { malformed: 2, imageMissing: 360 },
        leftOut: { overLimit: 11 }
      }),
      "4,000 rows listed = 3,627 kept + 362 refused (photo not found 360, malformed row 2) + 11 left out (beyond data.limit 11)"
    )
    assert.strictEqual(Ledger.sumText({ listed: 3, kept: 3, refused: {} }), "3 rows listed = 3 kept")
    for (const reason of Ledger.Reason.literals) assert.match(Ledger.reasonWords(reason), / /)
    assert.strictEqual(Ledger.reasonWords("anotherVersion"), "anotherVersion")
  })

  it("names a cause once, whatever rows it has between others", () => {
    const row = (line: number, id?: string) =>
      Ledger.refuse(
        { line, id: id ?? String(line), label: "a" },
        "imageMissing",
        line === 4 ? "other" : "there is no folder x"
      )
    const causes = Ledger.byCause([2, 3, 4, 5, 9].map((line) => row(line)))
    assert.deepStrictEqual(
      causes.map((cause) => [cause.detail, Ledger.rowsText(cause)]),
      [
        ["there is no folder x", "4 rows, lines 2 to 9"],
        ["other", "line 4 (id 4)"]
      ]
    )
    assert.strictEqual(Ledger.rowsText({ rows: [row(2), row(3)] }), "lines 2 (id 2) and 3 (id 3)")
  })
})
