import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as PlotCharts from "../../../src/layers/PlotCharts.ts"
import { percent } from "../../../src/figures.ts"
import { compareRuns } from "../../../src/run/report/compareRuns.ts"
import { RunFolder, RunFolderError } from "../../../src/run/RunFolder.ts"
import { Runs } from "../../../src/run/Runs.ts"
import { chromium, onPage, openPage } from "../../chromium.ts"
import type { SyntheticRun } from "./syntheticRun.ts"
import { writeSyntheticRun } from "./syntheticRun.ts"

const labels = ["Boots", "Caps & Hats", "Coats", "Gloves", "Rings"]
const base = { labels, largest: 50, epochs: 4, seed: 5 }

/** Folders in memory with the runs in them, by their paths. */
const runsOf = (runs: Readonly<Record<string, SyntheticRun>>) =>
  Layer.effect(
    Runs,
    Effect.gen(function* () {
      const folders = new Map<string, RunFolder["Service"]>()
      for (const [path, run] of Object.entries(runs)) {
        const folder = yield* RunFolder.pipe(Effect.provide(Layer.fresh(RunFolder.layerMemory)))
        folders.set(path, { ...folder, path })
        yield* writeSyntheticRun(run).pipe(Effect.provideService(RunFolder, folder))
      }
      return Runs.of({
        hold: () => Effect.void,
        open: () => Effect.die("no run is begun here"),
        existing: (path) => {
          const folder = folders.get(path)
          return folder === undefined
            ? Effect.fail(new RunFolderError({ path, reason: "missing", detail: "there is no such folder" }))
            : Effect.succeed(folder)
        }
      })
    }).pipe(Effect.orDie)
  )

const layers = Layer.merge(
  PlotCharts.layer,
  runsOf({
    "runs/a": base,
    "runs/b": { ...base, gap: 4, epochs: 6 },
    "other/a": { ...base, seed: 6, calibrated: false }
  })
)

describe("a comparison of runs", () => {
  it.effect("has each run's figures, what differs in the configuration, and the difference on the same photos", () =>
    Effect.gen(function* () {
      const page = yield* compareRuns(["runs/a", "runs/b"])
      for (const path of ["runs/a", "runs/b"]) {
        const folder = yield* Runs.use((runs) => runs.existing(path))
        const { test } = JSON.parse(new TextDecoder().decode(yield* folder.read("report.json")))
        assert.include(page, `>${percent(test.accuracy)}</td>`)
        assert.include(page, `data-value="${test.weighted.f1}"`)
      }
      assert.match(page, /On the same test photos, against a/)
      assert.match(page, /\+\d+\.\d %/)
      assert.match(page, /<code>train\.epochs<\/code><\/td>\s*<td class="text">4<\/td>\s*<td class="text">6<\/td>/)
      assert.notMatch(page, /<code>train\.learningRate/)
      assert.include(page, "Caps &amp; Hats")
    }).pipe(Effect.provide(layers))
  )

  it.effect("says where runs do not compare, and tells two of one name apart", () =>
    Effect.gen(function* () {
      const page = yield* compareRuns(["runs/a", "other/a"])
      assert.match(page, /seeds of the runs. splits differ/)
      assert.notMatch(page, /On the same test photos/)
      assert.match(page, /<td>runs\/a<\/td>/)
      assert.match(page, /<td>other\/a<\/td>/)
      const error = yield* Effect.flip(compareRuns(["runs/a", "runs/z"]))
      assert.match(error.message, /runs\/z/)
    }).pipe(Effect.provide(layers))
  )

  it.effect.skipIf(chromium === undefined)("fits a phone, without an error", () =>
    Effect.gen(function* () {
      const markup = yield* compareRuns(["runs/a", "runs/b", "other/a"])
      const page = yield* openPage
      const found = yield* onPage(page, async (page) => {
        const said: Array<string> = []
        page.on("console", (message) => said.push(message.text()))
        page.on("pageerror", (error) => said.push(error.message))
        await page.setViewportSize({ width: 390, height: 800 })
        await page.setContent(markup)
        const over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return { said, over }
      })
      assert.deepStrictEqual(found, { said: [], over: 0 })
    }).pipe(Effect.scoped, Effect.provide(layers))
  )
})
