import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { apportion } from "../../src/pipeline/apportion.ts"
import { dropDuplicates, keepLabels, keepLargeClasses } from "../../src/pipeline/filter.ts"
import { byCodePoint } from "../../src/pipeline/hashOrder.ts"
import { limitRows } from "../../src/pipeline/limit.ts"
import type { Row } from "../../src/pipeline/Row.ts"

/** Rows with these labels; ids and lines count up. */
const rowsOf = (labels: ReadonlyArray<string>): ReadonlyArray<Row> =>
  labels.map((label, index) => ({ line: index + 2, id: `${index}`, label, image: `images/${index}.jpg` }))

const classes = (sizes: Readonly<Record<string, number>>): ReadonlyArray<Row> =>
  rowsOf(Object.entries(sizes).flatMap(([label, size]) => Array.from({ length: size }, () => label)))

const labelsOf = (rows: ReadonlyArray<Row>) => rows.map(({ label }) => label)

describe("filter", () => {
  it("keeps the first row of an id, and names its line in the others' refusals", () => {
    const rows = rowsOf(["a", "b", "c", "d"]).map((row, index) => ({ ...row, id: ["7", "8", "7", "7"][index] ?? "" }))
    const { kept, refusals } = dropDuplicates(rows)
    assert.deepStrictEqual(labelsOf(kept), ["a", "b"])
    assert.deepStrictEqual(refusals, [
      { line: 4, reason: "duplicateId", id: "7", label: "c", detail: "the id is on line 2 already" },
      { line: 5, reason: "duplicateId", id: "7", label: "d", detail: "the id is on line 2 already" }
    ])
  })

  it("keeps the labels that are allowed, or all", () => {
    const rows = rowsOf(["a", "b", "c", "a"])
    const { kept, refusals } = Result.getOrThrow(keepLabels(rows, ["c", "a"]))
    assert.deepStrictEqual(labelsOf(kept), ["a", "c", "a"])
    assert.deepStrictEqual(
      refusals.map(({ label, line, reason }) => [line, reason, label]),
      [[3, "labelNotAllowed", "b"]]
    )
    assert.strictEqual(Result.getOrThrow(keepLabels(rows, undefined)).kept, rows)
  })

  it("fails at an allowed label that never occurs, and names the nearest", () => {
    const failed = Result.flip(keepLabels(rowsOf(["Tshirts", "Jeans"]), ["Jeans", "T-Shirts", "Zebra"]))
    const error = Result.getOrThrow(failed)
    assert.strictEqual(error.reason, "unknownLabel")
    assert.strictEqual(error["~effect/Runtime/errorExitCode"], 3)
    assert.strictEqual(
      error.message,
      'No row has the labels "T-Shirts" (did you mean "Tshirts"?), "Zebra" of `data.labels`. ' +
        'Labels found: "Tshirts", "Jeans". Correct `data.labels`, or leave it out to take every label.'
    )
  })

  it("refuses the classes that are too small", () => {
    const { kept, refusals } = keepLargeClasses(rowsOf(["a", "b", "a", "c", "b", "a"]), 3, (n) => `${n} rows`)
    assert.deepStrictEqual(labelsOf(kept), ["a", "a", "a"])
    assert.deepStrictEqual(
      refusals.map(({ detail, line, reason }) => [line, reason, detail]),
      [
        [3, "classTooSmall", "2 rows"],
        [5, "classTooSmall", "1 rows"],
        [6, "classTooSmall", "2 rows"]
      ]
    )
  })

  it("sorts by code point, not by code unit", () => {
    assert.deepStrictEqual(["b", "\u{1f457}", "Z", "\uff5a", "ba", "é", "a"].sort(byCodePoint), [
      "Z",
      "a",
      "b",
      "ba",
      "é",
      "\uff5a",
      "\u{1f457}"
    ])
  })
})

describe("apportion", () => {
  it("gives what is left over to the largest remainders, and to the first of two that tie", () => {
    assert.deepStrictEqual(apportion(10, [45, 27, 28], 1), [4, 3, 3])
    assert.deepStrictEqual(apportion(5, [8, 1, 1], 0), [4, 1, 0])
    assert.deepStrictEqual(apportion(20, [1000, 4, 0, 100], 3), [14, 3, 0, 3])
  })

  it.effect.prop(
    "adds up, gives each its least, and stays within one of the exact shares",
    {
      weights: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 3, maximum: 500 }))),
      share: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
    },
    ({ share, weights }) =>
      Effect.sync(() => {
        const sum = weights.reduce((a, b) => a + b, 0)
        const total = Math.max(3 * weights.length, Math.round(share * sum))
        const parts = apportion(total, weights, 3)
        assert.strictEqual(
          parts.reduce((a, b) => a + b, 0),
          total
        )
        parts.forEach((part, index) => {
          assert.isAtLeast(part, 3)
          assert.isAtMost(part, Math.max(3, Math.ceil((total * (weights[index] ?? 0)) / sum)))
        })
        if (parts.every((part) => part > 3))
          parts.forEach((part, index) => assert.isBelow(Math.abs(part - (total * (weights[index] ?? 0)) / sum), 1))
      })
  )
})

describe("limit", () => {
  const sizes = { a: 500, b: 250, c: 100, d: 6, e: 3 }

  it("takes a subset in which every class keeps its share, three at least, in the rows' order", () => {
    const rows = classes(sizes)
    const kept = Result.getOrThrow(limitRows(rows, 91, 1))
    const counts = Object.keys(sizes).map((label) => kept.filter((row) => row.label === label).length)
    assert.deepStrictEqual(counts, [50, 25, 10, 3, 3])
    assert.deepStrictEqual(
      kept.map(({ line }) => line),
      kept.map(({ line }) => line).toSorted((a, b) => a - b)
    )
    assert.strictEqual(kept.length, 91)
  })

  it("takes the same rows whatever their order, and others with another seed", () => {
    const rows = classes(sizes)
    const ids = (rows: ReadonlyArray<Row>, seed: number) =>
      Result.getOrThrow(limitRows(rows, 100, seed))
        .map(({ id }) => id)
        .toSorted()
    assert.deepStrictEqual(ids(rows.toReversed(), 1), ids(rows, 1))
    assert.notDeepEqual(ids(rows, 2), ids(rows, 1))
  })

  it("takes all where there are no more than that", () => {
    const rows = classes(sizes)
    assert.strictEqual(Result.getOrThrow(limitRows(rows, rows.length, 1)), rows)
    assert.strictEqual(Result.getOrThrow(limitRows(rows, undefined, 1)), rows)
  })

  it("fails where three of each class are too many", () => {
    const rows = classes(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`class ${i}`, 5])))
    const error = Result.getOrThrow(Result.flip(limitRows(rows, 59, 1)))
    assert.strictEqual(error.reason, "limitTooSmall")
    assert.strictEqual(
      error.message,
      "`data.limit` is 59, too few for 20 classes with 3 each. Set it to 60 or more, or take fewer classes (`data.labels`, `data.minPerClass`)."
    )
    assert.strictEqual(Result.getOrThrow(limitRows(rows, 60, 1)).length, 60)
  })
})
