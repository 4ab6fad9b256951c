import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { LabelColumn } from "../../../src/pipeline/LabelColumn.ts"
import type { Sample } from "../../../src/pipeline/Sample.ts"
import { treated } from "../../../src/run/labelNoise/treated.ts"
import { foldedRows } from "../../../src/run/labelNoise/unlikelyLabels.ts"

const sampleOf = (id: string, label: number, labels?: Sample["labels"]): Sample => ({
  id,
  label,
  ...(labels && { labels }),
  path: `${id}.jpg`,
  digest: id,
  line: 1
})

/** Photos with a class and, some of them, a product that has several photos. */
const Photos = Schema.Array(
  Schema.Struct({
    label: Schema.Literals([0, 1, 2]),
    product: Schema.NullOr(Schema.Literals(["a", "b", "c", "d", "e", "f"]))
  })
)

describe("the folds of the training labels", () => {
  it.effect.prop(
    "have each judged row once, and every group in one fold",
    [Photos, Schema.Literals([2, 3, 5])],
    ([photos, folds]) =>
      Effect.sync(() => {
        const samples = photos.map(({ label }, i) => sampleOf(`photo ${i}`, label))
        const groups = new Map<string, string>(
          photos.flatMap(({ product }, i) => (product === null ? [] : [[`photo ${i}`, product] as const]))
        )
        const { known, rows } = foldedRows(samples, 0, folds, 7, groups)
        assert.strictEqual(known, photos.length)
        assert.strictEqual(new Set(rows.map(({ id }) => id)).size, rows.length)
        const foldOf = new Map<string, number>()
        for (const { fold, id } of rows) {
          assert.isTrue(fold >= 0 && fold < folds)
          const group = groups.get(id) ?? id
          assert.strictEqual(foldOf.get(group) ?? fold, fold, `${group} is in two folds`)
          foldOf.set(group, fold)
        }
        for (const { id, label } of rows) assert.strictEqual(label, samples.find((one) => one.id === id)?.label)
        // Nothing is judged by folds that have nothing of its class.
        for (const { fold, label } of rows)
          assert.isTrue(rows.some((other) => other.label === label && other.fold !== fold))
        // Of a class that is large enough, all of its rows, unless all lie in one fold.
        for (const label of [0, 1, 2]) {
          const own = photos.flatMap((one, i) => (one.label === label ? [`photo ${i}`] : []))
          const judged = rows.filter((row) => row.label === label).length
          const hasGroups = new Set(own.map((id) => groups.get(id) ?? id)).size >= folds
          assert.isTrue(hasGroups ? judged === own.length || judged === 0 : judged === 0)
          if (hasGroups && own.every((id) => !groups.has(id))) assert.strictEqual(judged, own.length)
        }
      })
  )

  it.effect.prop("depend on the seed and the rows, and not on their order", [Photos], ([photos]) =>
    Effect.sync(() => {
      const samples = photos.map(({ label }, i) => sampleOf(`photo ${i}`, label))
      const byId = (rows: ReturnType<typeof foldedRows>["rows"]) => rows.toSorted((a, b) => (a.id < b.id ? -1 : 1))
      assert.deepStrictEqual(
        byId(foldedRows(samples.toReversed(), 0, 3, 7).rows),
        byId(foldedRows(samples, 0, 3, 7).rows)
      )
    })
  )
})

describe("treated samples", () => {
  const one: ReadonlyArray<LabelColumn> = [{ name: "kind", classes: ["cap", "mug"], values: "one" }]
  const two: ReadonlyArray<LabelColumn> = [...one, { name: "tags", classes: ["new", "warm"], values: "several" }]
  const rowOf = (id: string, predicted: string, treatment: "softened" | "left out", column = "kind") => ({
    id,
    file: `${id}.jpg`,
    digest: id,
    column,
    label: "cap",
    predicted,
    labelProbability: 0.01,
    predictedProbability: 0.9,
    treatment
  })

  it("are the very samples where nothing is to be done", () => {
    const samples = [sampleOf("a", 0), sampleOf("b", 1)]
    const after = treated(samples, one, { predictedShare: 0.5, rows: [rowOf("a", "mug", "softened")] })
    assert.deepStrictEqual(after[0]?.softened, [{ label: 1, share: 0.5 }])
    assert.strictEqual(after[0]?.label, 0)
    assert.strictEqual(after[1], samples[1])
  })

  it("lose the label of one column, and leave where no other is known", () => {
    const samples = [sampleOf("a", 0, [[0], [1]]), sampleOf("b", 0, [[0], undefined]), sampleOf("c", 1, [[1], []])]
    const rows = ["a", "b"].map((id) => rowOf(id, "mug", "left out"))
    const after = treated(samples, two, { predictedShare: 0.5, rows })
    assert.deepStrictEqual(
      after.map(({ id, labels }) => [id, labels]),
      [
        ["a", [undefined, [1]]],
        ["c", [[1], []]]
      ]
    )
    assert.deepStrictEqual(
      treated([sampleOf("a", 0), sampleOf("b", 1)], one, {
        predictedShare: 0.5,
        rows: [rowOf("a", "mug", "left out")]
      }).map(({ id }) => id),
      ["b"]
    )
  })
})
