import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as PlotCharts from "../../../src/layers/PlotCharts.ts"
import { percent } from "../../../src/figures.ts"
import { compareRuns } from "../../../src/run/report/compareRuns.ts"
import { RunFolder, RunFolderError } from "../../../src/run/RunFolder.ts"
import { Runs } from "../../../src/run/Runs.ts"
import { chromium, onPage, openPage } from "../../chromium.ts"
import { pageFaults } from "./pageFaults.ts"
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

const longName = `runs/2026-11-27-${"mobilenet".repeat(8)}`

const layers = Layer.merge(
  PlotCharts.layer,
  runsOf({
    "runs/a": base,
    "runs/b": { ...base, gap: 4, epochs: 6 },
    [longName]: { ...base, labels: [...labels.slice(1), "W".repeat(60)] },
    "other/a": { ...base, seed: 6, calibrated: false }
  })
)

describe("a comparison of runs", () => {
  it.effect("has each run's figures, what differs in the configuration, and the difference on the same photos", () =>
    Effect.gen(function* () {
      const page = yield* compareRuns(["runs/a", "runs/b"])
      for (const path of ["runs/a", "runs/b"]) {
        const folder = yield* Runs.use((runs) => runs.existing(path))
        const { calibration, test } = JSON.parse(new TextDecoder().decode(yield* folder.read("report.json")))
        assert.include(page, `>${percent(test.accuracy)}</td>`)
        assert.include(page, `data-value="${test.weighted.f1}"`)
        assert.match(
          page,
          new RegExp(
            `<td data-value="${calibration.test.lossBefore}">[\\d.]+</td>\\s*<td data-value="${test.loss}">[\\d.]+</td>`
          )
        )
      }
      assert.match(page, /<th scope="col">loss, as trained<\/th>\s*<th scope="col">loss, calibrated<\/th>/)
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

  it.effect.skipIf(chromium === undefined)(
    "fits a desk, a phone and paper, four and twelve runs with long names too, without an error",
    () =>
      Effect.gen(function* () {
        const four = ["runs/a", "runs/b", "other/a", longName]
        for (const paths of [four, [...four, ...four, ...four]]) {
          const markup = yield* compareRuns(paths)
          const page = yield* openPage
          assert.deepStrictEqual(yield* onPage(page, (page) => pageFaults(page, markup)), [])
        }
      }).pipe(Effect.scoped, Effect.provide(layers))
  )
})
