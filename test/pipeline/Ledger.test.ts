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
    const counts = Ledger.ledgerCounts({ listed: 12, kept: 8, refusals })
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
})
