import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Struct } from "effect"
import * as PlotCharts from "../../../src/layers/pages/PlotCharts.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import { percent } from "../../../src/metrics/numberText.ts"
import { Charts } from "../../../src/run/report/Charts.ts"
import { escape } from "../../../src/run/report/html.ts"
import { fashionLabels } from "./fashionLabels.ts"
import { Thumbnails } from "../../../src/run/report/Thumbnails.ts"
import { reasonWords } from "../../../src/pipeline/Ledger.ts"
import { decodePredictions } from "../../../src/model/StoredPredictions.ts"
import type { Leakage } from "../../../src/pipeline/leakage.ts"
import type { Measured } from "../../../src/run/report/leakageAnalysis.ts"
import { leakageAnalysis } from "../../../src/run/report/leakageAnalysis.ts"
import { readRun } from "../../../src/run/report/RunFacts.ts"
import { writePages } from "../../../src/run/report/writePages.ts"
import type { RunFile } from "../../../src/run/RunFolder.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { writeSyntheticRun } from "./syntheticRun.ts"

const textOf = (file: RunFile) =>
  RunFolder.use((folder) => Effect.map(folder.read(file), (bytes) => new TextDecoder().decode(bytes)))

/** Pictures that are as large as they come: the most that a page could be asked to hold. */
const largest = `data:image/webp;base64,${"A".repeat(40_000)}`
const large = Layer.succeed(Thumbnails, {
  of: () => Effect.succeed(largest),
  ofPixels: () => Effect.succeed(largest)
})
const none = Thumbnails.layerMemory(new Map())
const layers = Layer.mergeAll(RunFolder.layerMemory, SampleCatalogue.layerAt("nowhere"))
const drawn = Layer.mergeAll(layers, PlotCharts.layer)
const titled = Layer.mergeAll(layers, Charts.layerTitles, none)

const hostile = `<script>document.title='x'</script>"'|\n`
const run = { labels: ["Boots", hostile, "Coats", "Gloves"], largest: 60, epochs: 3, seed: 5 }

describe("a run's page", () => {
  it.effect(
    "refers to nothing outside itself, and stays under 3 MB with 70 classes and all the pictures it can hold",
    () =>
      Effect.gen(function* () {
        yield* writeSyntheticRun({
          labels: [...fashionLabels],
          largest: 300,
          epochs: 10,
          seed: 3,
          experiment: "fashion-2019"
        })
        yield* writePages()
        const page = yield* textOf("report.html")
        assert.isAbove(page.split("data:image/webp").length, 20)
        assert.isBelow(page.length, 3_000_000)
        for (const [, address = ""] of page.matchAll(/(?:src|href|action|poster|srcset)\s*=\s*"([^"]*)"/g))
          assert.match(address, /^(#|data:|predictions\.csv$|mistakes\.csv$)/)
        assert.notMatch(page, /@import|url\(|<link rel="(?!icon)/)
        assert.match(page, /Beside the reference experiment/)
        assert.match(page, /0\.8975|89\.8 %/)
      }).pipe(Effect.provide([drawn, large]))
  )

  it.effect("shows some of a large run's photos, and of how many; it is hardly longer than a small run's", () =>
    Effect.gen(function* () {
      const pages = yield* Effect.forEach([200, 1500], (largest) =>
        Effect.gen(function* () {
          const { data } = yield* writeSyntheticRun({ ...run, labels: ["Boots", "Coats", "Gloves", "Hats"], largest })
          yield* writePages()
          return { tested: data.test, page: yield* textOf("report.html") }
        })
      )
      const lengths = pages.map(({ page, tested }) => {
        assert.include(page, `The 24 of ${tested.toLocaleString("en")} test photos that surprised the model most`)
        assert.match(page, /[1-8] of (?:1[0-2]|[1-9]) pairs of classes, the most frequent first/)
        return page.length
      })
      assert.isBelow(lengths[1] ?? Infinity, (lengths[0] ?? 0) + 60_000)
    }).pipe(Effect.provide(titled))
  )
  it.effect("has the report's own metrics, and every class and refusal", () =>
    Effect.gen(function* () {
      const { calibration, data, test } = yield* writeSyntheticRun(run)
      yield* writePages()
      const page = yield* textOf("report.html")
      for (const text of [percent(test!.accuracy!), percent(test!.weighted.f1), test!.loss!.toFixed(4)])
        assert.include(page, `<b>${text}</b>`)
      // Calibrated and raw losses stand beside each other with their names, wherever there are both.
      const [asTrained, calibrated] = [calibration!.test!.lossBefore!.toFixed(4), test!.loss!.toFixed(4)]
      assert.notStrictEqual(asTrained, calibrated)
      assert.match(page, new RegExp(`<span>Test loss, calibrated</span><b>${calibrated}</b>`))
      assert.match(page, new RegExp(`<span>Test loss, as trained</span><b>${asTrained}</b>`))
      assert.match(page, new RegExp(`loss\\s+is ${asTrained} as trained and\\s+${calibrated} calibrated`))
      assert.match(page, /All losses here are as trained, without the temperature/)
      const card = yield* textOf("MODEL_CARD.md")
      assert.include(card, `| loss, calibrated (nats) | ${calibrated} |`)
      assert.include(card, `| loss, as trained (nats) | ${asTrained} |`)
      for (const { f1, label } of test!.perClass) {
        assert.include(page, `<td>${escape(label)}</td>`)
        assert.include(page, `data-value="${f1}"`)
      }
      assert.deepStrictEqual(data.leftOut, { classTooSmall: 12, overLimit: 5 })
      const [before = "", after = ""] = page.split("Rows left out: 17")
      for (const reason of Object.keys(data.refused)) {
        assert.include(before, `<td class="word">${reasonWords(reason)}</td>`)
        assert.notInclude(after, `<td class="word">${reasonWords(reason)}</td>`)
      }
      for (const reason of Object.keys(data.leftOut ?? {}))
        assert.include(after, `<td class="word">${reasonWords(reason)}</td>`)
      assert.include(before, "Refused rows: 2")
      assert.include(page, "1,2,&lt;i&gt;three&lt;/i&gt;")
      assert.notMatch(page, /Beside the reference experiment/)
    }).pipe(Effect.provide(titled))
  )

  it.effect(
    "says which labels are improbable and what is probable instead, with both probabilities, or that none is",
    () =>
      Effect.gen(function* () {
        const clear = { ...run, labels: [...run.labels, "Rings", "Hats", "Scarves"] }
        yield* writeSyntheticRun({ ...clear, gap: 9 })
        yield* writePages()
        const page = yield* textOf("report.html")
        assert.match(
          page,
          /<div>labelled \w+ <span class="quiet">less than 0\.1 %<\/span><\/div>\s*<div class="wrong">\w+ \d+\.\d %<\/div>/
        )
        assert.notMatch(page, /the model is sure/)
        // Its labels are as often wrong as its probabilities say.
        yield* writeSyntheticRun({ ...clear, gap: 0 })
        yield* writePages()
        assert.match(yield* textOf("report.html"), /id="labels">[^]*?<p>None was found\.<\/p>/)
      }).pipe(Effect.provide(titled))
  )

  it.effect("tells choices from faults in the report of an earlier version too, which has both as refused", () =>
    Effect.gen(function* () {
      const report = yield* writeSyntheticRun(run)
      const folder = yield* RunFolder
      const { leftOut, refused, ...data } = report.data
      const perClass = data.perClass?.map((counts) => Struct.omit(counts, ["leftOut"]))
      const earlier = { ...report, data: { ...data, refused: { ...refused, ...leftOut }, perClass } }
      yield* folder.write("report.json", JSON.stringify(earlier))
      yield* writePages()
      const page = yield* textOf("report.html")
      assert.match(page, /Refused rows: 2/)
      assert.match(page, /Rows left out: 17/)
      assert.include(
        yield* textOf("MODEL_CARD.md"),
        "+ 2 refused (malformed row 1, photo not found 1) + 17 left out (class too small 12, beyond data.limit 5)"
      )
    }).pipe(Effect.provide(titled))
  )

  it.effect("lets no label or file name be markup, in the page, the charts and the model card", () =>
    Effect.gen(function* () {
      yield* writeSyntheticRun(run)
      yield* writePages()
      const page = yield* textOf("report.html")
      assert.notInclude(page, "<script>document")
      assert.strictEqual(page.split("<script").length, 2)
      for (const chart of ["confusion", "classes"] as const)
        assert.notInclude(yield* textOf(`charts/${chart}.svg`), "<script")
      const card = yield* textOf("MODEL_CARD.md")
      assert.notInclude(card, "<script")
      assert.include(card, "&lt;script&gt;")
    }).pipe(Effect.provide([drawn, none]))
  )

  it.effect("says what the parts share, with the metrics of the photos that do and of those that do not", () =>
    Effect.gen(function* () {
      const { data, test } = yield* writeSyntheticRun(run)
      const folder = yield* RunFolder
      const { samples } = yield* Effect.flatMap(folder.read("predictions/test.safetensors"), (bytes) =>
        decodePredictions(bytes, "test")
      )
      yield* writePages()
      assert.notInclude(yield* textOf("report.html"), 'id="leakage"')
      const testIds = samples.slice(0, 40).map(({ id }) => id)
      const photo = (id: string) => ({ id, file: `${id}.jpg`, digest: "d", label: hostile })
      const leakage: Leakage = {
        notes: [hostile],
        train: data.train,
        validation: data.validation,
        test: data.test,
        shared: [
          { kind: "bytes", validation: 0, test: 0, testIds: [], examples: [] },
          {
            kind: "column",
            column: hostile,
            validation: 3,
            test: 40,
            testIds,
            examples: [{ test: photo("one"), train: photo("two") }]
          }
        ],
        contradictions: [
          {
            kind: "column",
            column: hostile,
            sets: 1,
            rows: 2,
            examples: [{ shared: hostile, labels: [[hostile, 2]], rows: [photo("one"), photo("two")] }]
          }
        ]
      }
      yield* folder.write("leakage.json", JSON.stringify(leakage))
      yield* writePages()
      const page = yield* textOf("report.html")
      const card = yield* textOf("MODEL_CARD.md")
      const correct = Math.round(test!.accuracy! * data.test)
      const { found, shared } = leakageAnalysis(yield* readRun(), leakage)
      const [bytes, name] = shared
      assert.strictEqual(found.test, data.test)
      assert.isNull(bytes?.own)
      assert.strictEqual(bytes?.others?.accuracy, test!.accuracy)
      // The two parts together are the whole.
      assert.deepStrictEqual([name?.own?.samples, name?.others?.samples], [40, data.test - 40])
      const right = (one: Measured | null | undefined) => Math.round((one?.accuracy ?? NaN) * (one?.samples ?? 0))
      assert.strictEqual(right(name?.own) + right(name?.others), correct)
      assert.notStrictEqual(name?.own?.accuracy, name?.others?.accuracy)
      for (const one of [name?.own, name?.others]) {
        assert.include(page, `<td>${percent(one!.accuracy)}</td>`)
        assert.include(card, `| ${percent(one!.accuracy)} |`)
      }
      assert.include(page, "two, training")
      assert.notInclude(page, "<script>document")
      assert.notInclude(card, "<script")
    }).pipe(Effect.provide(titled))
  )

  it.effect("says what is missing, and shows the rest", () =>
    Effect.gen(function* () {
      yield* writeSyntheticRun(run)
      const folder = yield* RunFolder
      yield* folder.write("predictions/test.safetensors", "torn")
      yield* folder.write("predictions/validation.safetensors", "torn")
      yield* folder.write("ledger.jsonl", "{")
      yield* writePages()
      const page = yield* textOf("report.html")
      assert.match(page, /Photos of the test part are not shown/)
      assert.match(page, /No examples of refused rows/)
      assert.notMatch(page, /Highest losses/)
      assert.match(page, /Most confused pairs/)
    }).pipe(Effect.provide(titled))
  )

  it.effect("says that the photos are gone where they are, and shows their names", () =>
    Effect.gen(function* () {
      yield* writeSyntheticRun(run)
      yield* writePages()
      const page = yield* textOf("report.html")
      assert.match(page, /The photos are not where they were/)
      assert.match(page, /class="none"/)
    }).pipe(Effect.provide(titled))
  )

  it.effect("is refused where the run is not finished, or its report is none", () =>
    Effect.gen(function* () {
      assert.match((yield* Effect.flip(writePages())).message, /config\.json: there is no such file/)
      yield* writeSyntheticRun(run)
      const folder = yield* RunFolder
      yield* folder.write("report.json", `{"data": 3}`)
      const error = yield* Effect.flip(writePages())
      assert.match(error.message, /report\.json: /)
    }).pipe(Effect.provide(titled))
  )
})

describe("what a run's page says of the reference experiment", () => {
  it.effect("is said where the configuration says so, and not for 70 classes of the same names", () =>
    Effect.gen(function* () {
      const same = { labels: [...fashionLabels], largest: 12, epochs: 2, seed: 3 }
      yield* writeSyntheticRun(same)
      yield* writePages()
      assert.notMatch(yield* textOf("report.html"), /reference experiment/i)
      yield* writeSyntheticRun({ ...same, labels: [...fashionLabels].slice(3, 9), experiment: "fashion-2019" })
      yield* writePages()
      assert.match(yield* textOf("report.html"), /Beside the reference experiment[^]*of 6 classes\./)
    }).pipe(Effect.provide(titled))
  )
})

/** The cells of a CSV without line breaks in cells. */
const cellsOf = (line: string) =>
  [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, cell = ""]) =>
    cell.replace(/^"|"$/g, "").replaceAll('""', '"')
  )

describe("the predictions as CSV", () => {
  it.effect("are all of them, the mistakes alone the worst first, linked from the page, and no formula", () =>
    Effect.gen(function* () {
      const labels = ["Boots", '=HYPERLINK("http://x","a, b")', "Coats", "-Gloves"]
      const { calibration, test } = yield* writeSyntheticRun({ ...run, labels, gap: 0.5 })
      yield* writePages()
      const lines = (yield* textOf("predictions.csv")).trimEnd().split("\n")
      assert.strictEqual(lines[0], "part,id,file,label,predicted,right,probability,label_probability,loss")
      const rows = lines.slice(1).map(cellsOf)
      const own = rows.filter(([part]) => part === "test")
      assert.strictEqual(
        own.length,
        test!.perClass.reduce((sum, { support }) => sum + support, 0)
      )
      assert.isAbove(rows.length, own.length)
      // The confusion of the report, counted again; formulas stand behind an apostrophe.
      const cell = (label: string) => (/^[=-]/.test(label) ? `'${label}` : label)
      for (const [i, label] of labels.entries())
        for (const [j, predicted] of labels.entries())
          assert.strictEqual(
            own.filter((row) => row[3] === cell(label) && row[4] === cell(predicted)).length,
            test!.confusion[i]![j],
            `${label}, ${predicted}`
          )
      const losses = own.map((row) => Number(row[8]))
      assert.closeTo(losses.reduce((sum, loss) => sum + loss, 0) / losses.length, calibration!.test!.lossAfter!, 1e-4)
      const mistakes = (yield* textOf("mistakes.csv")).trimEnd().split("\n").slice(1).map(cellsOf)
      assert.strictEqual(mistakes.length, rows.filter((row) => row[5] === "false").length)
      const worst = mistakes.map((row) => Number(row[8]))
      assert.deepStrictEqual(
        worst,
        worst.toSorted((a, b) => b - a)
      )
      const page = yield* textOf("report.html")
      for (const file of ["predictions.csv", "mistakes.csv"]) assert.include(page, `href="${file}"`)
    }).pipe(Effect.provide(titled))
  )
})

describe("a model card", () => {
  it.effect("has Hugging Face's metadata, the run's metrics, and its weak and rare classes as limits", () =>
    Effect.gen(function* () {
      const { test } = yield* writeSyntheticRun({
        ...run,
        labels: ["Boots", "Caps", "Coats", "Gloves"],
        largest: 40,
        gap: 0.3
      })
      yield* writePages()
      const card = yield* textOf("MODEL_CARD.md")
      const [, head = ""] = card.split(/^---$/m)
      assert.match(head, /^pipeline_tag: "image-classification"$/m)
      assert.match(head, /^base_model: "timm\/mobilenetv2_100\.ra_in1k"$/m)
      const index = JSON.parse(/^model-index: (.*)$/m.exec(head)![1]!)
      assert.strictEqual(index[0].results[0].metrics[0].value, test!.accuracy)
      assert.include(card, `| accuracy | ${percent(test!.accuracy!)} |`)
      const weak = test!.perClass.filter(({ recall }) => recall < 0.7)
      assert.isNotEmpty(weak)
      for (const { label, recall } of weak) assert.include(card, `${label} (${percent(recall)})`)
      assert.match(card, /Fewer than 30 test photos each/)
      assert.match(card, /^Augmentation: flip 0\.5, rotation 10\.$/m)
    }).pipe(Effect.provide(titled))
  )
})
