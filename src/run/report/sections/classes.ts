import { wilson } from "../../../metrics/wilson.ts"
import { count, interval, share } from "../format.ts"
import { html } from "../html.ts"
import { bar, figure } from "./figure.ts"
import type { Contents } from "./Shown.ts"

/** Precision, recall, F1 and support of each class, to be sorted. */
export const classes: Contents = ({ analysis: { test } }) => {
  if (test === null) return undefined
  const rows = test.test.perClass.toSorted((a, b) => a.f1 - b.f1 || b.support - a.support)
  const cell = (figure: number) => html`<td data-value="${figure}">${share(figure)}</td>`
  return html`<p>
      The hardest first; a click on a heading sorts. The interval is Wilson's, of the recall: of few samples little is
      known.
    </p>
    <div class="scroll tall" tabindex="0">
      <table class="sortable">
        <thead>
          <tr>
            <th>class</th>
            <th>precision</th>
            <th>recall</th>
            <th aria-sort="ascending">F1</th>
            <th>samples</th>
            <th>recall, 95 %</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(({ f1, label, precision, recall, support }) => {
            const bounds = wilson(Math.round(recall * support), support)
            return html`<tr>
              <td>${label}</td>
              ${cell(precision)}${cell(recall)}
              <td data-value="${f1}">${bar(f1, 40)}${share(f1)}</td>
              <td data-value="${support}">${count(support)}</td>
              <td data-value="${bounds?.low ?? 0}">${interval(bounds)}</td>
            </tr> `
          })}
        </tbody>
      </table>
    </div>`
}

/** Who was taken for whom. */
export const confusion: Contents = (shown) =>
  shown.analysis.test === null
    ? undefined
    : shown.charts.has("confusion")
      ? html`<p>
            Rows are the true classes, columns the predicted ones, each row as shares of its class: right in blue, wrong
            in orange, the darker the more. Classes that are taken for each other stand together. Pointing at a cell
            shows its count.
          </p>
          ${figure(shown, "confusion", "The order: average-linkage clustering by mutual confusion.", true)}`
      : html`<p>There are too many classes for a matrix that could be read; the pairs below tell most.</p>`
