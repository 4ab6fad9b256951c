import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as PlotCharts from "../../../src/layers/pages/PlotCharts.ts"
import { numberText } from "../../../src/metrics/numberText.ts"
import { withTrial } from "../../../src/run/search/SearchResult.ts"
import { bestSetting, ranking } from "../../../src/run/search/SettingResult.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import { Thumbnails } from "../../../src/run/report/Thumbnails.ts"
import { Runs } from "../../../src/run/Runs.ts"
import { writeSyntheticRun } from "./syntheticRun.ts"
import { searchCharts } from "../../../src/run/report/searchCharts.ts"
import { writeSearchPage } from "../../../src/run/report/writeReport.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { writeSearch } from "../../../src/run/search/searchFile.ts"
import { chromium, onPage, openPage } from "../../chromium.ts"
import { pageFaults } from "./pageFaults.ts"
import { fashionHalfway, fashionSearch, fashionSearchWith } from "../../fashionSearch.ts"

/** All 24 trials finished but one that diverged; the fourteenth is the best. */
const finished = Effect.gen(function* () {
  const { after, points, search } = yield* fashionSearch
  let all = search
  for (const [i, { id }] of points.trials.entries())
    all = withTrial(all, id, after(3, 0.5 + 0.01 * Math.abs(i - 13), "finished"))
  all = withTrial(all, points.trials[3]!.id, { ...after(1, 9, "diverged"), detail: "The loss became <b>NaN</b>" })
  return { ...all, seconds: 640, passes: { wanted: 34_000, made: 3400 } }
})

/** The search with two seeds of three folds, all 144 trainings finished but one that diverged, of the third setting. */
const repeated = Effect.gen(function* () {
  const { after, points, search } = yield* fashionSearchWith(["folds=3", "seeds=[1, 7]"])
  let all = search
  for (const [i, { id }] of points.trials.entries())
    all = withTrial(all, id, after(3, 0.5 + 0.02 * Math.abs(Math.floor(i / 6) - 13) + 0.01 * (i % 5), "finished"))
  all = withTrial(all, points.trials[12]!.id, { ...after(1, 9, "diverged"), detail: "The loss became NaN" })
  return { ...all, seconds: 640, passes: { wanted: 34_000, made: 3400 } }
})

/** The best trial's run, at whatever path it is looked for. */
const asked: Array<string> = []
const trialRun = Layer.effect(
  Runs,
  Effect.gen(function* () {
    const folder = yield* Effect.provide(RunFolder, Layer.fresh(RunFolder.layerMemory))
    yield* writeSyntheticRun({ labels: ["Boots", "Caps", "Coats"], largest: 20, epochs: 3, seed: 5 }).pipe(
      Effect.provideService(RunFolder, folder)
    )
    return Runs.of({
      hold: () => Effect.void,
      open: () => Effect.die("no run is begun here"),
      existing: (path) => Effect.sync(() => (asked.push(path), folder))
    })
  }).pipe(Effect.orDie)
)
const layers = Layer.mergeAll(
  RunFolder.layerMemory,
  PlotCharts.layer,
  trialRun,
  SampleCatalogue.layerAt("nowhere"),
  Thumbnails.layerMemory(new Map())
)

const page = RunFolder.use((folder) =>
  Effect.map(folder.read("report.html"), (bytes) => new TextDecoder().decode(bytes))
)

describe("a search's page", () => {
  it.effect("has every trial, the best first and marked, with its metrics and settings, and the failed ones", () =>
    Effect.gen(function* () {
      const search = yield* finished
      yield* writeSearch(search)
      yield* writeSearchPage()
      const markup = yield* page
      const best = bestSetting(search)!.trials[0]
      assert.strictEqual(best, search.trials[13])
      assert.include(markup, `<b>${numberText(best.metric!)}</b>`)
      for (const { id } of search.trials) assert.include(markup, id)
      const [first] = /<tr class="ours">[\s\S]*?<\/tr>/.exec(markup) ?? []
      assert.include(first ?? "", best.id)
      assert.include(markup, "The loss became &lt;b&gt;NaN&lt;/b&gt;")
      assert.include(markup, "90.0 %")
      const [, link] = /<a href="([^"]*report\.html)"/.exec(markup) ?? []
      assert.strictEqual(link, `${best.folder}/report.html`)
      assert.deepStrictEqual(asked, [`memory/${best.folder}`])
      const trial = yield* Runs.use((runs) => runs.existing("any"))
      assert.isTrue(yield* trial.has("report.html"))
    }).pipe(Effect.provide(Layer.fresh(layers)))
  )

  it.effect("of folds and seeds has a row for each setting, with its mean and interval, and all its trainings", () =>
    Effect.gen(function* () {
      const search = yield* repeated
      yield* writeSearch(search)
      yield* writeSearchPage()
      const markup = yield* page
      const best = bestSetting(search)!
      assert.strictEqual(best.id.slice(0, 3), "014")
      assert.lengthOf(best.trials, 6)
      const [, settings = ""] = /aria-label="Settings"[\s\S]*?<tbody>([\s\S]*?)<\/tbody>/.exec(markup) ?? []
      const rows = settings.match(/<tr[\s\S]*?<\/tr>/g) ?? []
      assert.lengthOf(rows, 24)
      assert.match(rows[0] ?? "", />014</)
      assert.include(rows[0] ?? "", numberText(best.spread!.interval.low))
      // The one of which a training diverged has no place.
      assert.match(rows.at(-1) ?? "", />003<[\s\S]*diverged/)
      for (const { id } of search.trials) assert.include(markup, id)
      for (const { folder } of best.trials) assert.include(markup, `${folder}/report.html`)
      const chart = searchCharts(search).get("settings")
      if (chart?.kind !== "strip") return assert.fail("no chart of the settings")
      assert.deepStrictEqual(chart.rows[0]?.mean, { value: best.spread!.mean, ...best.spread!.interval })
      assert.lengthOf(chart.rows[0]?.dots ?? [], 6)
      const curves = searchCharts(search).get("curves")
      const first = curves?.kind === "lines" ? curves.series[0]?.points[0]?.y : undefined
      const losses = best.trials.map(({ history }) => history[0]?.validationLoss ?? 0)
      assert.approximately(first ?? 0, losses.reduce((sum, loss) => sum + loss, 0) / 6, 1e-12)
    }).pipe(Effect.provide(Layer.fresh(layers)))
  )

  it.effect("shows the objective along each axis, a row for each value, a dot for each finished trial", () =>
    Effect.gen(function* () {
      const search = yield* finished
      const charts = searchCharts(search)
      const compared = ranking(search).length
      for (const [i, { path, values }] of search.config.axes.entries()) {
        const chart = charts.get(`axis-${i + 1}`)
        if (chart?.kind !== "strip") return assert.fail(`no strip for ${path}`)
        assert.strictEqual(chart.rows.length, values!.length, path)
        const dots = chart.rows.flatMap(({ dots }) => dots)
        assert.strictEqual(dots.length, compared)
        assert.isTrue(dots.some(({ value }) => value === bestSetting(search)!.metric))
      }
      const rates = search.config.axes.findIndex(({ path }) => path === "train.learningRate")
      const strip = charts.get(`axis-${rates + 1}`)
      assert.deepStrictEqual(strip?.kind === "strip" ? strip.rows.map(({ label }) => label) : [], [
        "0.001",
        "0.01",
        "0.1"
      ])
    })
  )

  it.effect("draws values that were drawn from a range over a scale, logarithmic where they span it", () =>
    Effect.gen(function* () {
      const search = yield* finished
      const path = "train.learningRate"
      const drawn = {
        ...search,
        trials: search.trials.map((trial, i) => ({
          ...trial,
          settings: { ...trial.settings, [path]: 1e-4 * 1.3 ** i }
        }))
      }
      const at = search.config.axes.findIndex((axis) => axis.path === path)
      const chart = searchCharts(drawn).get(`axis-${at + 1}`)
      if (chart?.kind !== "lines") return assert.fail("no scale")
      assert.isTrue(chart.x.log)
      assert.strictEqual(chart.series[0]?.points.length, ranking(search).length)
    })
  )

  it.effect.skipIf(chromium === undefined)(
    "fits a phone and a desk, in the middle of a search too, without an error",
    () =>
      Effect.gen(function* () {
        for (const search of [
          yield* finished,
          yield* repeated,
          (yield* fashionHalfway).search,
          (yield* fashionSearch).search
        ]) {
          yield* writeSearch(search)
          yield* writeSearchPage()
          const markup = yield* page
          const shown = yield* openPage
          assert.deepStrictEqual(yield* onPage(shown, (shown) => pageFaults(shown, markup)), [])
        }
      }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layers)))
  )
})
