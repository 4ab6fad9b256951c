import { assert, describe, it } from "@effect/vitest"
import * as Columns from "../../src/metrics/columns.ts"
import * as Evaluation from "../../src/metrics/Evaluation.ts"
import { multilabelLosses } from "../../src/metrics/multilabel.ts"
import type { ColumnLabels } from "../../src/pipeline/LabelColumn.ts"
import { columnNamed } from "../columnNamed.ts"

const columns = [columnNamed("type", 3), columnNamed("tags", 2, "several"), columnNamed("colour", 2)]
// Four samples: three types, two tags, two colours.
const logits = Float32Array.from(
  [
    [3, 1, 2, 1, -1, 0, 4],
    [0, 5, 1, -2, 2, 1, 0],
    [1, 2, 4, 3, 3, 5, 1],
    [7, 0, 0, -1, -1, 2, 1]
  ].flat()
)
const labels: ReadonlyArray<ColumnLabels> = [
  { values: "one", labels: Int32Array.of(0, 2, -1, 0) },
  { values: "several", labels: Uint8Array.of(1, 0, 0, 0, 1, 1, 0, 0), known: Uint8Array.of(1, 1, 1, 0) },
  { values: "one", labels: Int32Array.of(-1, -1, -1, -1) }
]
const evaluate = (from: number, to: number) =>
  Columns.add(
    Columns.empty(columns),
    columns,
    logits.subarray(from * 7, to * 7),
    labels.map((one): ColumnLabels =>
      one.values === "one"
        ? { values: "one", labels: one.labels.subarray(from, to) }
        : {
            values: "several",
            labels: one.labels.subarray(from * 2, to * 2),
            known: one.known.subarray(from, to)
          }
    )
  )

describe("the evaluation of several label columns", () => {
  it("counts in each column the samples whose label is known, and no others", () => {
    const [type, tags, colour] = evaluate(0, 4)
    assert.isDefined(type)
    assert.isDefined(tags)
    assert.isDefined(colour)
    // The third sample's type is not known.
    const known = Evaluation.measure({
      classes: 3,
      logits: Float32Array.of(3, 1, 2, 0, 5, 1, 7, 0, 0),
      labels: Int32Array.of(0, 2, 0)
    })
    assert.deepStrictEqual({ ...known, predictions: undefined }, { ...type, predictions: undefined } as never)
    assert.strictEqual(Columns.accuracyOfColumn(type), 2 / 3)
    // The first and the third have all their tags, the second one too many, the fourth is not known.
    assert.strictEqual(tags.samples, 3)
    assert.strictEqual(Columns.accuracyOfColumn(tags), 2 / 3)
    const losses = multilabelLosses(Float32Array.of(1, -1, -2, 2, 3, 3), Uint8Array.of(1, 0, 0, 0, 1, 1), 2)
    assert.approximately(
      tags.lossSum,
      losses.reduce((sum, loss) => sum + loss, 0),
      1e-12
    )
    assert.strictEqual(colour.samples, 0)
    assert.isNull(Columns.accuracyOfColumn(colour))
  })

  it("has the sum of the losses by their weights, and the mean of the accuracies, of the columns that are known", () => {
    const evaluation = evaluate(0, 4)
    const [type, tags] = evaluation.map(Evaluation.lossOf)
    assert.approximately(Columns.lossOf(evaluation) ?? 0, (type ?? 0) + (tags ?? 0), 1e-12)
    assert.approximately(Columns.lossOf(evaluation, [0.5, 3, 9]) ?? 0, 0.5 * (type ?? 0) + 3 * (tags ?? 0), 1e-12)
    assert.approximately(Columns.accuracyOf(evaluation) ?? 0, 2 / 3, 1e-12)
    assert.deepStrictEqual(Columns.byColumn(columns, evaluation)?.["colour"], { loss: null, accuracy: null })
    assert.deepStrictEqual(Columns.byColumn(columns, evaluation)?.["type"], { loss: type ?? null, accuracy: 2 / 3 })
    assert.isNull(Columns.lossOf(Columns.empty(columns)))
    assert.isNull(Columns.accuracyOf(Columns.empty(columns)))
    assert.isUndefined(Columns.byColumn(columns.slice(0, 1), evaluation.slice(0, 1)))
  })

  it("adds up over batches", () => {
    const parts = Columns.combine(Columns.combine(evaluate(0, 1), evaluate(1, 1)), evaluate(1, 4))
    for (const [k, whole] of evaluate(0, 4).entries()) {
      const { lossSum, ...counts } = parts[k] ?? whole
      const { lossSum: expected, ...others } = whole
      assert.deepStrictEqual(counts, others)
      assert.approximately(lossSum, expected, 1e-9)
    }
  })

  it("joins the labels of batches", () => {
    const [type, tags] = labels
    assert.isDefined(type)
    assert.isDefined(tags)
    for (const one of [type, tags]) {
      const doubled = Columns.joinLabels(one, [one, one])
      assert.deepStrictEqual([...doubled.labels], [...one.labels, ...one.labels])
      assert.strictEqual(doubled.values, one.values)
    }
    assert.lengthOf(Columns.joinLabels({ values: "several" }, []).labels, 0)
  })
})

describe("the correct predictions of a training batch", () => {
  it("are counted by column, of the labels that are known", () => {
    assert.deepStrictEqual(Columns.batchCorrect(columns, logits, labels), [
      { correct: 2, seen: 3 },
      { correct: 2, seen: 3 },
      { correct: 0, seen: 0 }
    ])
  })

  it("count by the share of each label where an image is mixed of two, and by what is known of them", () => {
    const one = [columnNamed("label", 3)]
    const three = Float32Array.of(3, 1, 2, 0, 5, 1, 1, 2, 4, 7, 0, 0)
    const whole: ReadonlyArray<ColumnLabels> = [{ values: "one", labels: Int32Array.of(0, 2, 1, 0) }]
    const mix = { partners: Int32Array.of(2, 2, 0, 0), shares: Float32Array.of(0.25, 0.25, 0.5, 0.75) }
    // The first one's own label, the second one's other, neither of the third's, both of the last.
    assert.deepStrictEqual(Columns.batchCorrect(one, three, whole, mix), [{ correct: 0.25 + 0.75 + 0 + 1, seen: 4 }])
    const some: ReadonlyArray<ColumnLabels> = [{ values: "one", labels: Int32Array.of(0, 2, -1, 0) }]
    // Now the first one's and the second one's other label is not known, nor the third one's own.
    assert.deepStrictEqual(Columns.batchCorrect(one, three, some, mix), [
      { correct: 0.25 + 0 + 0 + 1, seen: 0.25 + 0.25 + 0.5 + 1 }
    ])
  })
})
