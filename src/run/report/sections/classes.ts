import { wilson } from "../../../metrics/wilson.ts"
import { enoughFirst, enoughSamples } from "../../../metrics/confusedPairs.ts"
import { count, interval, share } from "../format.ts"
import { html } from "../html.ts"
import { bar, figure } from "./figure.ts"
import type { Contents } from "./Shown.ts"

/** Precision, recall, F1 and support of each class, to be sorted. */
export const classes: Contents = ({ analysis: { test }, part }) => {
  if (test === null) return undefined
  const hasThresholds = test.test.perClass.some(({ threshold }) => threshold !== undefined)
  const isRanked = test.averagePrecisions.length > 0
  const known = test.test.perClass.map((one, i) => ({ ...one, averagePrecision: test.averagePrecisions[i] ?? null }))
  const rows = known.toSorted((a, b) => enoughFirst(a, b) || a.f1 - b.f1 || b.support - a.support)
  const cell = (value: number) => html`<td data-value="${value}">${share(value)}</td>`
  return html`<p>
      The hardest first, and classes with fewer than ${enoughSamples} ${part} photos behind all others; a click on a
      heading sorts. The interval is Wilson's, of the recall; it is wide where samples are
      few.${
        isRanked && html` AP is the average precision of the class against the rest.`
      }${hasThresholds && html` A class applies from the probability in the last column on, which was chosen on the validation part.`}
    </p>
    <div class="scroll tall" role="region" aria-label="Metrics of each class" tabindex="0">
      <table class="sortable">
        <thead>
          <tr>
            <th scope="col">class</th>
            <th scope="col">precision</th>
            <th scope="col">recall</th>
            <th scope="col">F1</th>
            <th scope="col">samples</th>
            <th scope="col">recall, 95 %</th>
            ${isRanked && html`<th scope="col">AP</th>`}${hasThresholds && html`<th scope="col">from</th>`}
          </tr>
        </thead>
        <tbody>
          ${rows.map(({ averagePrecision, f1, label, precision, recall, support, threshold }) => {
            const bounds = wilson(Math.round(recall * support), support)
            return html`<tr>
              <td>${label}</td>
              ${cell(precision)}${cell(recall)}
              <td data-value="${f1}">${bar(f1, 40)}<span class="value">${share(f1)}</span></td>
              <td data-value="${support}">${count(support)}</td>
              <td data-value="${bounds?.low ?? 0}">${interval(bounds)}</td>
              ${isRanked && html`<td data-value="${averagePrecision ?? -1}">${share(averagePrecision)}</td>`}
              ${threshold !== undefined && html`<td data-value="${threshold}">${share(threshold)}</td>`}
            </tr> `
          })}
        </tbody>
      </table>
    </div>`
}

/** The confusion matrix. */
export const confusion: Contents = (shown) =>
  shown.analysis.test === null || shown.analysis.test.test.confusion.length === 0
    ? undefined
    : shown.charts.has("confusion")
      ? html`<p>
            Rows are the true classes, columns the predicted ones, each row as shares of its class: right in blue, wrong
            in orange; the stronger the colour, the larger the share. Classes that are taken for each other stand
            together. The counts are in the table below it.
          </p>
          ${figure(shown, "confusion", "The order: average-linkage clustering by mutual confusion.", { wide: true })}`
      : html`<p>There are too many classes for a readable matrix; see the pairs below.</p>`
