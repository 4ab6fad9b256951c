import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Report } from "../../../src/metrics/Report.ts"
import { fitColumns, measureColumns } from "../../../src/model/measureColumns.ts"
import type { StoredPredictions } from "../../../src/model/StoredPredictions.ts"
import { encodePredictions } from "../../../src/model/StoredPredictions.ts"
import { unseenPairs } from "../../../src/model/unseenPairs.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import { Charts } from "../../../src/run/report/Charts.ts"
import { Thumbnails } from "../../../src/run/report/Thumbnails.ts"
import { writePages } from "../../../src/run/report/writePages.ts"
import type { RunFile } from "../../../src/run/RunFolder.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { writeSyntheticRun } from "./syntheticRun.ts"

const hostile = "<b>colour</b>|"
const columns = [
  { name: "type", classes: ["boot", "coat", "glove"], values: "one" },
  { name: hostile, classes: ["red", "<i>blue</i>"], values: "one" },
  { name: "tags", classes: ["new", "sale"], values: "several" }
] as const

/** Every third sample's colour is not known, and every fifth's tags. */
const predictionsOf = (part: "validation" | "test", size: number): StoredPredictions => {
  const random = draw(1, "columns", part)
  const samples = Array.from({ length: size }, (_, i) => ({
    id: `${part}-${i}`,
    file: `${part}-${i}.jpg`,
    digest: `${i}`.padStart(64, "0"),
    label: i % 3,
    labels: [[i % 3], i % 3 === 2 ? null : [i % 2], i % 5 === 0 ? null : i % 2 === 0 ? [0, 1] : []]
  }))
  const logits = samples.flatMap(({ labels: [type, colour, tags] }) => [
    ...[0, 1, 2].map((c) => (c === type?.[0] ? 2 : 0) + random.normal()),
    ...[0, 1].map((c) => (c === colour?.[0] ? 1 : 0) + random.normal()),
    ...[0, 1].map((c) => (tags?.includes(c) ? 1 : -1) + random.normal())
  ])
  return { part, labels: columns[0].classes, columns, samples, logits: Float32Array.from(logits) }
}

const textOf = (file: RunFile) =>
  RunFolder.use((folder) => Effect.map(folder.read(file), (bytes) => new TextDecoder().decode(bytes)))

const layers = Layer.mergeAll(
  RunFolder.layerMemory,
  SampleCatalogue.layerAt("nowhere"),
  Charts.layerTitles,
  Thumbnails.layerMemory(new Map())
)

/** A finished run of three label columns, and its pages. */
const written = Effect.gen(function* () {
  const folder = yield* RunFolder
  const before = yield* writeSyntheticRun({ labels: columns[0].classes, largest: 20, epochs: 2, seed: 3 })
  const [validation, test] = [predictionsOf("validation", 60), predictionsOf("test", 45)]
  const fitted = fitColumns(validation, { kind: "temperature", bins: 10 })
  const measured = measureColumns(test, fitted)
  const seen = [
    {
      columns: [0, 1],
      pairs: [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
        [2, 0]
      ]
    }
  ] as const
  const counts = columns.map(({ classes, name, values }) => ({
    name,
    values,
    classes: classes.length,
    known: 70,
    empty: 20,
    rare: 10,
    perClass: classes.map((label) => ({ label, listed: 20, train: 10, validation: 5, test: 5 }))
  }))
  const report: Report = {
    ...before,
    data: { ...before.data, columns: counts },
    test: measured.test,
    unseenPairs: unseenPairs(test, seen),
    ...(measured.calibration && { calibration: measured.calibration })
  }
  yield* folder.write("report.json", JSON.stringify(Schema.encodeSync(Report)(report)))
  yield* folder.write("predictions/validation.safetensors", encodePredictions(validation))
  yield* folder.write("predictions/test.safetensors", encodePredictions(test))
  yield* writePages()
  return report
})

it.effect("each label column has its row in the table and its section, with its own metrics and charts", () =>
  Effect.gen(function* () {
    const { test, unseenPairs } = yield* written
    const page = yield* textOf("report.html")
    for (const [k, id] of ["column-1", "column-2", "column-3"].entries()) {
      const [, section = ""] = page.split(`<section id="${id}">`)
      const own = Object.values(test?.columns ?? {})[k]
      assert.include(section.split("</section>")[0], `${((own?.accuracy ?? 0) * 100).toFixed(1)} %`)
      assert.include(page, `href="#${id}"`)
    }
    // The first column is measured on all samples, the others on those that have a label.
    assert.deepStrictEqual(
      Object.values(test?.columns ?? {}).map(({ samples }) => samples),
      [45, 30, 36]
    )
    assert.isAbove(unseenPairs?.flagged ?? 0, 0)
    assert.match(page, /Values that never occur together/)
    assert.notInclude(page, "<b>colour</b>")
    assert.notInclude(page, "<i>blue</i>")
    const [, tags = ""] = page.split('<section id="column-3">')
    assert.notMatch(tags.split("</section>")[0] ?? "", /Most confused pairs|Confusion/)
    const folder = yield* RunFolder
    assert.isTrue(yield* folder.has("charts/column-2-confusion.svg"))
    assert.isFalse(yield* folder.has("charts/column-3-confusion.svg"))
  }).pipe(Effect.provide(Layer.fresh(layers)))
)

it.effect("the model card and the tables of predictions name the columns", () =>
  Effect.gen(function* () {
    yield* written
    const card = yield* textOf("MODEL_CARD.md")
    assert.match(card, /## Label columns/)
    assert.match(card, /\| tags \(several values\) \| 2 \| 36 \|/)
    assert.notInclude(card, "<b>colour</b>")
    const [head, ...rows] = (yield* textOf("predictions.csv")).trim().split("\n")
    assert.strictEqual(head, "column,part,id,file,label,predicted,right,probability,label_probability,loss")
    // 60 + 45 types; 40 + 30 colours; 48 + 36 tags.
    assert.strictEqual(rows.length, 105 + 70 + 84)
    assert.isTrue(rows.some((row) => /^tags,test,test-\d+,test-\d+\.jpg,new; sale,/.test(row)))
    const mistakes = (yield* textOf("mistakes.csv")).trim().split("\n").slice(1)
    assert.isTrue(mistakes.every((row) => row.includes(",false,")))
    assert.strictEqual(mistakes.length, rows.filter((row) => row.includes(",false,")).length)
  }).pipe(Effect.provide(Layer.fresh(layers)))
)
