import { percent } from "../../../figures.ts"
import { enoughSamples } from "../../../metrics/confusedPairs.ts"
import { count } from "../format.ts"
import type { Html } from "../html.ts"
import { html, raw } from "../html.ts"
import type { ShownLabelError, ShownPair, ShownSample } from "../RunAnalysis.ts"
import { isLocalPicture } from "../picture.ts"
import type { Contents, Shown } from "./Shown.ts"

const said = ({ labelName, predictedName, probability }: ShownSample) =>
  `labelled ${labelName}, predicted ${predictedName} with ${percent(probability)}`

/** The photo, or its name where it is not there; what was said of it is its text for those who cannot see it. */
const picture = ({ pictures }: Shown, sample: ShownSample): Html => {
  const { file, id } = sample
  const address = pictures.get(file)
  return address !== undefined && isLocalPicture(address)
    ? html`<img src="${raw(address)}" alt="Photo ${said(sample)}" title="${file}" />`
    : html`<span class="none" title="${file}">${id}</span>`
}

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
  const { test } = shown.analysis
  if (test === null || test.losses.length === 0) return undefined
  return html`<p>
      The ${shown.part} photos that surprised the model most: their label with its probability, what was predicted
      instead, and the loss in nats.
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

const labelError = (shown: Shown, sample: ShownLabelError) =>
  html`<div class="photo">
    ${picture(shown, sample)}
    <div>labelled ${sample.labelName} <span class="quiet">${percent(sample.labelProbability)}</span></div>
    <div class="wrong">likely ${sample.suggestedName}</div>
    <div class="quiet">${sample.id}, ${sample.part}</div>
  </div> `

/** Samples whose label is likely wrong. */
export const labelErrors: Contents = (shown) => {
  const { analysis, facts } = shown
  if (facts.test === undefined && facts.validation === undefined) return undefined
  return html`<p>
      Photos of the validation and test parts of which the model is sure that they are of another class than their label
      says, the surest first (confident learning, Northcutt et al. 2021). Some are mistakes of the model: a person
      decides.
    </p>
    ${
      analysis.labelErrors.length === 0
        ? html`<p>None was found.</p>`
        : html`<div class="photos">${analysis.labelErrors.map((sample) => labelError(shown, sample))}</div>`
    }${analysis.moreLabelErrors > 0 && html`<p class="quiet">And ${count(analysis.moreLabelErrors)} more.</p>`}`
}
