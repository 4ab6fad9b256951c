import { weftCommand } from "../../config/weftCommand.ts"
import { Clock, DateTime, Effect } from "effect"
import { duration, percent } from "../../metrics/numberText.ts"
import type { EpochRecord } from "../../metrics/Report.ts"
import { report } from "../../pipeline/Progress.ts"
import type { LoggedRun, RunEnd, RunLogger } from "../RunLogger.ts"
import { RunLogError } from "../RunLogger.ts"
import { RunFolder } from "../RunFolder.ts"
import { readSteps } from "../train/StepSpan.ts"
import type { Charts } from "./Charts.ts"
import { drawCharts } from "./drawCharts.ts"
import { drawBatch, readFirstBatch, writeFirstBatch } from "./firstBatch.ts"
import { count, loss, share } from "./format.ts"
import { classesText } from "../../pipeline/LabelColumn.ts"
import type { Html } from "./html.ts"
import { html } from "./html.ts"
import { page } from "./page.ts"
import { trainingCharts } from "./runCharts.ts"
import { nameOf } from "./RunFacts.ts"
import { card } from "./sections/card.ts"
import { firstBatchOf } from "./sections/firstBatch.ts"
import { epochTable, trainingFigures } from "./sections/training.ts"
import type { Thumbnails } from "./Thumbnails.ts"

/** Seconds after which a browser looks again: twice an epoch, between 5 and 60. */
const refreshAfter = (last: EpochRecord | undefined) => Math.round(Math.max(5, Math.min(60, (last?.seconds ?? 0) / 2)))

/** The epoch with the best monitored metric so far. */
const bestOf = ({ config: { train } }: LoggedRun, history: ReadonlyArray<EpochRecord>): EpochRecord | undefined => {
  const key = train.monitor
  const valued = history.filter((record) => record[key] !== null)
  const better = (a: number, b: number) => (key === "validationLoss" ? a < b : a > b)
  return valued.reduce<EpochRecord | undefined>(
    (best, record) => (best === undefined || better(record[key] ?? 0, best[key] ?? 0) ? record : best),
    undefined
  )
}

const cards = (run: LoggedRun, history: ReadonlyArray<EpochRecord>, best: EpochRecord | undefined): Html => {
  const { epochs } = run.config.train
  const last = history.at(-1)
  const mean = history.reduce((sum, { seconds }) => sum + seconds, 0) / Math.max(1, history.length)
  return html`<div class="cards">
    ${card("Epochs", `${history.length} of ${epochs}`, last === undefined ? "the first one is being trained" : `${duration(last.seconds)} the last one`)}
    ${last !== undefined && card("Training loss", loss(last.trainLoss), `accuracy ${percent(last.trainAccuracy)}`)}
    ${
      last !== undefined &&
      last.validationLoss !== null &&
      card("Validation loss", loss(last.validationLoss), `accuracy ${share(last.validationAccuracy)}`)
    }
    ${best !== undefined && card("Best epoch", String(best.epoch), `validation ${loss(best.validationLoss)}, ${share(best.validationAccuracy)}`)}
    ${last !== undefined && history.length < epochs && card("Left", duration(mean * (epochs - history.length)), "at the mean time of an epoch")}
  </div> `
}

/** How far the run is, in a sentence. */
const stateText = ({ config: { train }, folder }: LoggedRun, done: number, end: RunEnd | undefined): Html => {
  const goOn = html`<code>${weftCommand(`train --run ${folder.path} --resume`)}</code>`
  if (end?.state === "failed") return html`ended by an error after epoch ${done} of ${train.epochs}: ${end.detail}`
  if (end !== undefined) return html`stopped after epoch ${done} of ${train.epochs}. To go on: ${goOn}`
  if (done >= train.epochs) return html`epoch ${done} of ${train.epochs} is done, the model is being measured`
  return html`epoch ${done + 1} of ${train.epochs}, still training`
}

/** The page of a run that is not finished. */
const livePage = Effect.fn("report.livePage")(function* (
  run: LoggedRun,
  history: ReadonlyArray<EpochRecord>,
  end: RunEnd | undefined
) {
  const { columns, config, engine, folder, network, samples } = run
  const best = bestOf(run, history)
  const spans = yield* readSteps(folder)
  const chosen = best === undefined ? undefined : { epoch: best.epoch, is: "the best so far" }
  const charts = yield* drawCharts(trainingCharts({ history, chosen }, spans))
  const first = yield* Effect.provideService(readFirstBatch, RunFolder, folder)
  const at = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis)).replace(/\..*$/, "Z")
  return yield* page({
    title: nameOf(folder.path),
    subtitle: html`${network} at ${config.image.width}x${config.image.height}, on ${engine.name} (${engine.device})`,
    summary: html`<p class="note" role="status"><b>${stateText(run, history.length, end)}</b></p>
      ${cards(run, history, best)}
      <p class="quiet">
        ${classesText(columns)}: ${count(samples.train)} photos to train on, ${count(samples.validation)} to validate,
        ${count(samples.test)} to test.
        ${end === undefined && html`Written at ${at}; after each epoch the page is written again, and it reloads by itself. If that time is long ago, the process is gone.`}
      </p>`,
    sections: [
      ...(history.length === 0
        ? []
        : [
            {
              id: "training",
              heading: "Training",
              body: html`${trainingFigures(charts, spans)} ${epochTable(history, best?.epoch)}`
            }
          ]),
      ...(first === undefined || first.images.length === 0
        ? []
        : [{ id: "first-batch", heading: "What the network sees", body: firstBatchOf(first) }])
    ],
    footer: html`Made by Weft from the run's folder. When the run is finished, its whole report is in this place.`,
    unfinished: {
      state: end?.state ?? "training",
      refresh: end === undefined ? refreshAfter(history.at(-1)) : undefined
    }
  })
})

/**
 * Keeps a run's `report.html` up to date while the run goes on: written when it begins and after each epoch, and once
 * more where it stops before its end. The page of a finished run is `writePages`'s; trials have none.
 */
export const livePageLogger = Effect.gen(function* () {
  const context = yield* Effect.context<Charts | Thumbnails>()
  const logger: RunLogger = Effect.fnUntraced(function* (run: LoggedRun) {
    const { columns, config, folder, trial } = run
    if (trial !== undefined) return undefined
    if (!(yield* folder.has("first-batch.json"))) {
      yield* Effect.gen(function* () {
        const batch = yield* run.firstBatch
        const drawn = yield* drawBatch(batch, columns, config.image).pipe(
          Effect.provideContext(context),
          Effect.ensuring(Effect.sync(() => batch.release?.()))
        )
        yield* Effect.provideService(writeFirstBatch(drawn), RunFolder, folder)
      }).pipe(
        Effect.catch(({ message }) => report({ _tag: "Note", line: `the first batch is not on the page: ${message}` }))
      )
    }
    let latest = run.history
    const write = (end?: RunEnd) =>
      livePage(run, latest, end).pipe(
        Effect.provideContext(context),
        Effect.flatMap((markup) => folder.write("report.html", markup)),
        Effect.mapError(({ message }) => new RunLogError({ detail: `the page is not refreshed: ${message}` }))
      )
    yield* write()
    return {
      epoch: (history) => Effect.suspend(() => ((latest = history), write())),
      ended: (end) => (end.state === "finished" ? Effect.void : write(end))
    }
  })
  return logger
})
