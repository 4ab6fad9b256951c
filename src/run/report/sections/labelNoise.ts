import { percent } from "../../../metrics/numberText.ts"
import type { ColumnNoise, UnlikelyLabel } from "../../labelNoise/LabelNoise.ts"
import { count } from "../format.ts"
import type { Html } from "../html.ts"
import { html } from "../html.ts"
import { shown as limits } from "../RunAnalysis.ts"
import { described, orLess, pictureOf } from "./photos.ts"
import type { Contents, Shown } from "./Shown.ts"

/** Photos with their label and what is predicted instead. */
export const unlikelyPhotos = (shown: Pick<Shown, "pictures">, labels: ReadonlyArray<UnlikelyLabel>): Html =>
  html`<div class="photos">
    ${labels.map(
      (one) =>
        html`<div class="photo">
          ${pictureOf(shown, one, described(one.label, one.predicted, one.predictedProbability))}
          <div>labelled ${one.label} <span class="quiet">${orLess(one.labelProbability)}</span></div>
          <div class="wrong">${one.predicted} ${percent(one.predictedProbability)}</div>
          <div class="quiet">${one.id}</div>
        </div> `
    )}
  </div>`

/** What was judged in a label column, in a sentence or two. */
export const judgedText = ({ accuracy, found, judged, rows, small }: ColumnNoise): string =>
  `Of ${count(rows)} training labels, ${count(judged)} were judged, each by a classifier of the other folds, and ${count(found)} ${found === 1 ? "is" : "are"} likely wrong; ` +
  `these classifiers agree with ${percent(accuracy)} of the labels.` +
  (small.length === 0 ? "" : ` Not judged, as there are too few photos: ${small.join(", ")}.`)

const table = (labels: ReadonlyArray<UnlikelyLabel>): Html =>
  html`<details>
    <summary>The next ${count(labels.length)}</summary>
    <div class="scroll" role="region" aria-label="Further treated labels" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">id</th>
            <th scope="col" class="text">label</th>
            <th scope="col">its probability</th>
            <th scope="col" class="text">predicted</th>
            <th scope="col">its probability</th>
          </tr>
        </thead>
        <tbody>
          ${labels.map(
            ({ id, label, labelProbability, predicted, predictedProbability }) =>
              html`<tr>
                <td>${id}</td>
                <td class="text">${label}</td>
                <td>${orLess(labelProbability)}</td>
                <td class="text">${predicted}</td>
                <td>${percent(predictedProbability)}</td>
              </tr> `
          )}
        </tbody>
      </table>
    </div>
  </details>`

/** The training labels that were softened or left out. */
export const labelNoise: Contents = (shown) => {
  const { noise } = shown.facts
  if (noise === undefined) return undefined
  const { columns, folds, predictedShare, rows, treat } = noise
  return html`<p>
      Training labels that are likely wrong by confident learning (Northcutt, Jiang and Chuang, 2021) on frozen
      features, in ${folds} folds.
      ${
        treat === "soften"
          ? html`They were softened: the predicted class has ${percent(predictedShare)} of the target, and the label the
            rest.`
          : html`They were left out of the loss.`
      }
      Labels of the other parts were not looked at. Some of them are right: a person decides.
    </p>
    ${columns.map((column) => {
      const own = rows.filter((row) => row.column === column.name)
      const rest = own.slice(limits.labelErrors, limits.namedLabelErrors)
      const unnamed = own.length - limits.labelErrors - rest.length
      return html`${columns.length > 1 && html`<h3>${column.name}</h3>`}
        <p>${judgedText(column)} ${count(own.length)} ${treat === "soften" ? "softened" : "left out"}.</p>
        ${own.length > 0 && unlikelyPhotos(shown, own.slice(0, limits.labelErrors))} ${rest.length > 0 && table(rest)}
        ${unnamed > 0 && html`<p class="quiet">And ${count(unnamed)} more.</p>`}`
    })}
    <p class="quiet">All of them: <code>label-noise.json</code> in the run's folder.</p>`
}
