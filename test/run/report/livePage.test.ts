import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as PlotCharts from "../../../src/layers/pages/PlotCharts.ts"
import { livePageLogger } from "../../../src/run/report/livePage.ts"
import * as Pages from "../../../src/run/report/Pages.ts"
import { Thumbnails } from "../../../src/run/report/Thumbnails.ts"
import type { RunLogger } from "../../../src/run/RunLogger.ts"
import { RunLoggers } from "../../../src/run/RunLogger.ts"
import { Runs } from "../../../src/run/Runs.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { finishedRun, trainRun } from "../../../src/run/train/trainRun.ts"
import { interruptedAt, textIn, tinyConfig, tinyLayers } from "../train/tinyRun.ts"

const pixel = "data:image/webp;base64,UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAwA0JaQAA3AA/vuUAAA="
const drawing = Layer.mergeAll(PlotCharts.layer, Thumbnails.layerMemory(new Map([["pixels", pixel]])))
const layers = () => {
  const tiny = tinyLayers()
  return Layer.mergeAll(tiny, Pages.layer.pipe(Layer.provide(Layer.mergeAll(drawing, tiny, Runs.layerMemory))))
}

/** Reads the page after each epoch. */
const reading =
  (pages: Array<string>): RunLogger =>
  (run) =>
    Effect.succeed({
      epoch: () =>
        Effect.map(run.folder.read("report.html"), (bytes) => void pages.push(new TextDecoder().decode(bytes))),
      ended: () => Effect.void
    })

const refreshes = (markup: string) => /<meta http-equiv="refresh" content="\d+"/.test(markup)

describe("the page of a run that goes on", () => {
  it.effect("is refreshed each epoch, says how far the run is, and what stopped it; the last page does neither", () =>
    Effect.gen(function* () {
      const config = yield* tinyConfig()
      const pages: Array<string> = []
      const loggers = [yield* Effect.provide(livePageLogger, drawing), reading(pages)]
      const within = Effect.provideService(RunLoggers, loggers)
      yield* interruptedAt(config, { epoch: 3, step: 1 }).pipe(within)
      assert.match(pages[0] ?? "", /epoch 2 of 4, still training/)
      assert.match(pages[1] ?? "", /epoch 3 of 4, still training/)
      assert.isTrue(pages.every(refreshes))
      assert.strictEqual(pages[1]?.split('alt="Training photo of the class ').length, 4)
      assert.match(pages[1] ?? "", /aria-label="Loss over epochs"/)
      const stopped = yield* textIn("report.html")
      assert.match(
        stopped,
        /stopped after epoch 2 of 4\. To go on: <code>npx pnpm pipeline:train --run memory --resume/
      )
      assert.isFalse(refreshes(stopped))

      yield* trainRun(config).pipe(within)
      assert.match(pages[3] ?? "", /epoch 4 of 4 is done, the model is being measured/)
      const last = yield* textIn("report.html")
      assert.isFalse(refreshes(last))
      assert.notMatch(last, /still training|weft-state/)
      assert.match(last, /What the network sees/)
      assert.match(last, /Test accuracy/)
    }).pipe(Effect.provide(layers()))
  )

  it.effect("that a kill left behind a finished report is replaced by the whole one", () =>
    Effect.gen(function* () {
      const config = yield* tinyConfig({ train: { epochs: 1, batchSize: 3 } })
      const pages: Array<string> = []
      const loggers = [yield* Effect.provide(livePageLogger, drawing), reading(pages)]
      yield* trainRun(config).pipe(Effect.provideService(RunLoggers, loggers))
      const whole = yield* textIn("report.html")
      yield* RunFolder.use((folder) => folder.write("report.html", pages[0] ?? ""))
      yield* finishedRun(config)
      assert.strictEqual(yield* textIn("report.html"), whole)
    }).pipe(Effect.provide(layers()))
  )
})
