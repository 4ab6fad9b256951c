import { percent } from "../../../metrics/numberText.ts"
import { enoughSamples } from "../../../metrics/confusedPairs.ts"
import { count } from "../format.ts"
import type { Html } from "../html.ts"
import { html } from "../html.ts"
import type { LikelyLabelError } from "../likelyLabelErrors.ts"
import type { ShownPair, ShownSample } from "../RunAnalysis.ts"
import type { Contents, Shown } from "./Shown.ts"
import { zoomable } from "./zoom.ts"

export const described = (labelName: string, predictedName: string, probability: number) =>
  `labelled ${labelName}, predicted ${predictedName} with ${percent(probability)}`

/** The photo, or its name where it is not there; its label and prediction are its text for those who cannot see it. */
export const pictureOf = (
  { pictures }: Pick<Shown, "pictures">,
  { file, id }: Pick<ShownSample, "file" | "id">,
  text: string
): Html => zoomable({ address: pictures.get(file), alt: `Photo ${text}`, name: id, caption: `${text}; ${file}` })

const picture = (shown: Shown, sample: ShownSample): Html =>
  pictureOf(shown, sample, described(sample.labelName, sample.predictedName, sample.probability))

const loss = (shown: Shown, sample: ShownSample) =>
  html`<div class="photo">
    ${picture(shown, sample)}
    <div>${sample.labelName} <span class="quiet">${percent(sample.labelProbability)}</span></div>
    ${
      sample.predictedName === sample.labelName
        ? html`<div class="quiet">predicted, but not surely</div>`
        : html`<div class="wrong">${sample.predictedName} ${percent(sample.probability)}</div>`
    }
    <div class="quiet">loss ${sample.loss.toFixed(2)}, ${sample.id}</div>
  </div>`

/** The photos with the highest loss. */
export const losses: Contents = (shown) => {
  const { analysis, facts } = shown
  const { test } = analysis
  if (test === null || test.losses.length === 0) return undefined
  return html`<p>
      The ${shown.part} photos that surprised the model most: their label with its probability, what was predicted
      instead, and the loss in nats${facts.report.calibration !== undefined && html`, calibrated`}. A click shows a
      photo large.
      ${
        shown.part === "test" &&
        html`All predictions of the validation and test photos: <a href="predictions.csv">predictions.csv</a>; the
          mistakes alone: <a href="mistakes.csv">mistakes.csv</a>.`
      }
    </p>
    <div class="photos">${test.losses.map((sample) => loss(shown, sample))}</div>`
}

const strip = (shown: Shown, samples: ReadonlyArray<ShownSample>) =>
  html`<div class="strip">
    ${samples.map(
      (sample) =>
        html`<div>
          ${picture(shown, sample)}
          <div class="quiet">${percent(sample.probability)}</div>
        </div> `
    )}
  </div>`

const pair = (shown: Shown, { count: times, mistaken, others, predictedLabel, share, support, trueLabel }: ShownPair) =>
  html`<div class="pair">
    <h3>
      ${trueLabel} taken for ${predictedLabel}: ${times === 1 ? "once" : `${count(times)} times`}, ${percent(share)} of
      ${count(support)} ${trueLabel}
    </h3>
    ${
      mistaken.length > 0 &&
      html`<div>
        <div>
          <span class="quiet">${trueLabel} that were taken for ${predictedLabel}</span>${strip(shown, mistaken)}
        </div>
        <div>
          <span class="quiet">${predictedLabel} that were recognised</span>${
            others.length > 0 ? strip(shown, others) : html`<p class="quiet">none</p>`
          }
        </div>
      </div>`
    }
  </div> `

/** The pairs of classes that are confused most, with photos of both. */
export const pairs: Contents = (shown) => {
  const { test } = shown.analysis
  if (test === null) return undefined
  return test.pairs.length === 0
    ? html`<p>Nothing was confused.</p>`
    : html`<p>
          The most frequent first, and pairs whose true class has fewer than ${enoughSamples} ${shown.part} photos
          behind all others: one mistake is all of one photo. Below each photo, the probability of what was predicted.
        </p>
        ${test.pairs.map((one) => pair(shown, one))}`
}

/** A probability, however small. */
export const orLess = (probability: number) => (probability < 0.001 ? "less than 0.1 %" : percent(probability))

const labelError = (shown: Shown, sample: LikelyLabelError) =>
  html`<div class="photo">
    ${pictureOf(shown, sample, described(sample.labelName, sample.suggestedName, sample.probability))}
    <div>labelled ${sample.labelName} <span class="quiet">${orLess(sample.selfConfidence)}</span></div>
    <div class="wrong">${sample.suggestedName} ${percent(sample.probability)}</div>
    <div class="quiet">${sample.id}, ${sample.part}</div>
  </div> `

const labelErrorTable = (errors: ReadonlyArray<LikelyLabelError>) =>
  html`<details>
    <summary>The next ${count(errors.length)}</summary>
    <div class="scroll" role="region" aria-label="Further likely label errors" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">id</th>
            <th scope="col" class="text">part</th>
            <th scope="col" class="text">label</th>
            <th scope="col">its probability</th>
            <th scope="col" class="text">most probable</th>
            <th scope="col">its probability</th>
          </tr>
        </thead>
        <tbody>
          ${errors.map(
            ({ id, labelName, part, probability, selfConfidence, suggestedName }) =>
              html`<tr>
                <td>${id}</td>
                <td class="text">${part}</td>
                <td class="text">${labelName}</td>
                <td>${orLess(selfConfidence)}</td>
                <td class="text">${suggestedName}</td>
                <td>${percent(probability)}</td>
              </tr> `
          )}
        </tbody>
      </table>
    </div>
  </details>`

/** Samples whose label is likely wrong. */
export const labelErrors: Contents = (shown) => {
  const { analysis, facts } = shown
  if (facts.test === undefined && facts.validation === undefined) return undefined
  const { named, photos, samples, temperature, total } = analysis.labelErrors
  return html`<p>
      Of ${count(samples)} validation and test photos, those whose label is so improbable to the model that its usual
      doubt does not explain it; the least probable label first, with the most probable class and the probabilities of
      both (at a temperature of ${temperature.toFixed(3)}, fitted on these photos). By confident learning (Northcutt,
      Jiang and Chuang, 2021), cut off where more than a tenth would be explained by doubt. Some are mistakes of the
      model: a person decides.
    </p>
    ${
      total === 0
        ? html`<p>None was found.</p>`
        : html`<div class="photos">${photos.map((sample) => labelError(shown, sample))}</div>`
    }
    ${named.length > 0 && labelErrorTable(named)}
    ${total > photos.length + named.length && html`<p class="quiet">And ${count(total - photos.length - named.length)} more.</p>`}`
}
