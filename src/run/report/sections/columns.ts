import type { ColumnCounts } from "../../../metrics/Report.ts"
import { shownAt } from "../../../metrics/metrics.ts"
import { wilson } from "../../../metrics/wilson.ts"
import { count, interval, loss, share } from "../format.ts"
import type { Html } from "../html.ts"
import { html } from "../html.ts"
import type { ColumnAnalysis } from "../RunAnalysis.ts"
import { card } from "./card.ts"
import { capital } from "./summary.ts"
import type { Contents, Shown } from "./Shown.ts"

/** The most pairs that the page lists; `report.json` has more. */
const mostPairs = 60

/** A label column, and what was found in it. */
export interface ShownColumn {
  readonly id: string
  readonly name: string
  readonly values: "one" | "several"
  readonly analysis: ColumnAnalysis
}

/** All label columns side by side, each with a link to its section. */
export const columnsTable = (columns: ReadonlyArray<ShownColumn>, part: string): Html =>
  html`<h2 id="columns">Label columns</h2>
    <div class="scroll" role="region" aria-label="Label columns" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">column</th>
            <th scope="col">classes</th>
            <th scope="col">${part} photos</th>
            <th scope="col">accuracy</th>
            <th scope="col">95 %</th>
            <th scope="col">weighted F1</th>
            <th scope="col">macro F1</th>
            <th scope="col">loss</th>
          </tr>
        </thead>
        <tbody>
          ${columns.map(({ analysis: { test }, id, name, values }) => {
            const found = test?.test
            const samples = found?.samples
            const bounds =
              found === undefined || samples === undefined || found.accuracy === null
                ? undefined
                : wilson(Math.round(found.accuracy * samples), samples)
            return html`<tr>
              <td>
                <a href="#${id}">${name}</a>${values === "several" && html` <span class="quiet">several values</span>`}
              </td>
              <td>${count(found?.perClass.length ?? 0)}</td>
              <td>${count(samples ?? 0)}</td>
              <td>${share(found?.accuracy)}</td>
              <td>${interval(bounds)}</td>
              <td>${share(found?.weighted.f1)}</td>
              <td>${share(found?.macro.f1)}</td>
              <td>${loss(found?.loss)}</td>
            </tr> `
          })}
        </tbody>
      </table>
    </div>
    <p class="quiet">
      Photos whose label is known in the column: an empty cell counts in no loss and in no metric. The accuracy of a
      column with several values is the share of photos of which all classes are right.
    </p>`

/** What is known in the column, and its metrics. */
const columnSummary = ({ analysis: { test }, part }: Shown, counts: ColumnCounts | undefined): Html =>
  html`${
    counts !== undefined &&
    html`<p>
      Of ${count(counts.known + counts.empty + counts.rare + (counts.conflicting ?? 0))} photos ${count(counts.known)}
      are
      labelled${counts.empty > 0 && html`, ${count(counts.empty)} have an empty cell`}${counts.rare > 0 && html`, ${count(counts.rare)} a value with too few photos`}${(counts.conflicting ?? 0) > 0 && html`, ${count(counts.conflicting ?? 0)} labels that contradict each other`}.
    </p>`
  }
  ${
    test === null
      ? html`<p>There are no metrics: no ${part} photo is labelled in this column.</p>`
      : html`<div class="cards">
          ${shownAt("page", test.test).map(({ metric, text }) => {
            const bounds = test.intervals.get(metric.path)
            return card(
              capital(metric.title),
              text,
              bounds === undefined ? (metric.note?.(test.test) ?? "") : `95 %: ${interval(bounds)}`
            )
          })}
        </div>`
  }`

/** The section of one of several label columns: its metrics, and the parts that a run of that column alone would have. */
export const columnBody = (
  shown: Shown,
  counts: ColumnCounts | undefined,
  parts: ReadonlyArray<{ readonly heading: string; readonly body: Html }>
): Html =>
  html`${columnSummary(shown, counts)}
  ${parts.map(
    ({ body, heading }) =>
      html`<details class="part">
        <summary>${heading}</summary>
        ${body}
      </details> `
  )}`

/** Values of two columns that are predicted together and never occurred together in training. */
export const unseenPairs: Contents = ({ facts: { report }, part }) => {
  const found = report.unseenPairs
  if (found === undefined || part !== "test") return undefined
  const { flagged, pairs, samples, wrong } = found
  const others = samples - flagged
  return html`<p>
      Of ${count(samples)} test photos ${count(flagged)} have two predicted values that never occur together in the
      training part.
      ${
        flagged > 0 &&
        html`One of their predictions is wrong in ${share(wrong.flagged / flagged)} of them, and in
        ${others === 0 ? "–" : share(wrong.others / others)} of the other photos.`
      }
      <code>predict</code> flags such photos.
    </p>
    ${
      pairs.length > 0 &&
      html`<div class="scroll tall" role="region" aria-label="Values that never occur together" tabindex="0">
        <table>
          <thead>
            <tr>
              <th scope="col">photo</th>
              <th scope="col" class="text">predicted</th>
              <th scope="col" class="text">and</th>
              <th scope="col" class="text">one is wrong</th>
            </tr>
          </thead>
          <tbody>
            ${pairs.slice(0, mostPairs).map(
              ({ columns: [a, b], id, values: [x, y], wrong: isWrong }) =>
                html`<tr>
                  <td>${id}</td>
                  <td class="text">${a}: ${x}</td>
                  <td class="text">${b}: ${y}</td>
                  <td class="text">${isWrong === null ? "not known" : isWrong ? "yes" : "no"}</td>
                </tr> `
            )}
          </tbody>
        </table>
      </div>`
    }`
}
