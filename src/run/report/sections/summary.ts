import { duration } from "../../../metrics/numberText.ts"
import { shownAt, titlesBy } from "../../../metrics/metrics.ts"
import { namedLosses } from "../../../metrics/namedLosses.ts"
import { count, interval, loss, networkName, share } from "../format.ts"
import { experiment, experimentNote } from "../experiment.ts"
import type { Report } from "../../../metrics/Report.ts"
import type { Html } from "../html.ts"
import { html } from "../html.ts"
import { card } from "./card.ts"
import type { Shown } from "./Shown.ts"

/** A part's name at the beginning of a heading. */
export const capital = (part: string) => part.slice(0, 1).toUpperCase() + part.slice(1)

const keptText = ({ kept, listed }: Report["data"]) => `${count(kept)} of ${count(listed)} rows kept`

const costs = ({ history, model, seconds }: Report) => [
  card("Parameters", count(model.parameters), `${count(model.trainableParameters)} of them trained`),
  card("Time", duration(seconds), `${history.length} ${history.length === 1 ? "epoch" : "epochs"}`)
]

const cards = ({ analysis: { test }, facts: { report }, part }: Shown) => {
  const { data } = report
  const all =
    test === null
      ? []
      : [
          ...shownAt("page", test.test).map(({ metric, text }, i) => {
            const bounds = test.intervals.get(metric.path)
            return card(
              // The first card names the part of all.
              i === 0 ? `${capital(part)} ${metric.title}` : capital(metric.title),
              text,
              bounds === undefined ? (metric.note?.(test.test) ?? "") : `95 %: ${interval(bounds)}`
            )
          }),
          ...namedLosses(test.test.loss, report.calibration?.test).map((one) =>
            card(`${capital(part)} ${one.name}`, loss(one.loss), "mean cross-entropy, nats")
          )
        ]
  return html`<div class="cards">
    ${all}${[card("Classes", count(data.classes), keptText(data)), ...costs(report)]}
  </div> `
}

const experimentTable = ({ facts: { config, report }, part }: Shown): Html | false => {
  const { history, test } = report
  if (test === null || part !== "test" || config.experiment === undefined) return false
  const chosen = history[report.chosenEpoch - 1]
  const { kind } = config.train.optimizer
  const cells = (row: ReadonlyArray<number | null | undefined>, show: (value: number | null | undefined) => string) =>
    row.map((value) => html`<td>${show(value)}</td>`)
  return html`<h3>Beside the reference experiment</h3>
    <div class="scroll" role="region" aria-label="Beside the reference experiment" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">network</th>
            <th scope="col" class="text">optimiser</th>
            <th scope="col">epochs</th>
            <th scope="col">train loss</th>
            <th scope="col">val loss</th>
            <th scope="col">test loss</th>
            <th scope="col">train acc</th>
            <th scope="col">val acc</th>
            <th scope="col">test acc</th>
            <th scope="col">weighted F1</th>
          </tr>
        </thead>
        <tbody>
          <tr class="ours">
            <td>this run: ${networkName(report.model)}, ${config.image.width}x${config.image.height}</td>
            <td class="text">${kind} ${config.train.learningRate}</td>
            <td>${history.length}</td>
            ${cells([chosen?.trainLoss, chosen?.validationLoss, report.calibration?.test?.lossBefore ?? test.loss], loss)}
            ${cells([chosen?.trainAccuracy, chosen?.validationAccuracy, test.accuracy, test.weighted.f1], share)}
          </tr>
          ${experiment.map(
            (row) =>
              html`<tr>
                <td>${networkName(row)}</td>
                <td class="text">${row.optimiser}</td>
                <td>10</td>
                ${cells([row.trainLoss, row.validationLoss, row.testLoss], loss)}
                ${cells([row.trainAccuracy, row.validationAccuracy, row.testAccuracy, row.testWeightedF1], share)}
              </tr> `
          )}
        </tbody>
      </table>
    </div>
    <p class="quiet">
      ${experimentNote} All losses are as trained, without a temperature. The configuration says that this run repeats
      it (<code>experiment</code>); it kept ${count(report.data.kept)} photos of ${count(report.data.classes)} classes.
    </p> `
}

const notes = (shown: Shown): Html =>
  html`${experimentTable(shown)} ${shown.facts.gaps.map((gap) => html`<p class="note">${gap}</p> `)}
  ${shown.noPictures && html`<p class="note">The photos are not where they were (or have changed), so that only their names are shown. Where they are there again, <code>pipeline:report ${shown.facts.path}</code> shows them.</p> `}`

/** What a run of several label columns is as a whole; the metrics are its columns'. */
export const runSummary = (shown: Shown): Html => {
  const { report } = shown.facts
  return html`<div class="cards">
      ${[card("Rows", count(report.data.kept), keptText(report.data)), ...costs(report)]}
    </div>
    ${notes(shown)}`
}

/** The main metrics with their intervals; where the data are the reference experiment's, its table beside them. */
export const summary = (shown: Shown): Html =>
  html`${cards(shown)}
  ${
    shown.analysis.test === null
      ? html`<p>There are no metrics: the ${shown.part} part is empty.</p>`
      : html`<p class="quiet">
          Of ${count(shown.facts.report.data.test)} ${shown.part === "train" ? "training" : shown.part} photos.
          Intervals at 95 %: Wilson's for ${titlesBy("Wilson")}; by the delta method for ${titlesBy("delta method")}
          (Takahashi et al., 2022; rare classes shrunk towards the mean class). They show how much the metrics would
          differ on as many other photos of each class, not with another seed.
        </p>`
  }
  ${notes(shown)}`
