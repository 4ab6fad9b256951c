import { duration, percent } from "../../../metrics/numberText.ts"
import { html } from "../html.ts"
import { budgetSeconds, cells } from "../occlusion.ts"
import type { Contents } from "./Shown.ts"
import { zoomable } from "./zoom.ts"

/** A drop below this is not drawn as strongly as a large one. */
const least = 0.1

/** The map of a photo as squares over it. */
const mapOf = (drops: ReadonlyArray<number>) => {
  const strongest = Math.max(least, ...drops)
  return html`<svg class="heat" viewBox="0 0 ${cells} ${cells}" preserveAspectRatio="none" aria-hidden="true">
    ${drops.map(
      (drop, i) =>
        drop > 0.02 * strongest &&
        html`<rect
          x="${i % cells}"
          y="${Math.floor(i / cells)}"
          width="1"
          height="1"
          fill-opacity="${((0.75 * drop) / strongest).toFixed(2)}"
        ></rect>`
    )}
  </svg>`
}

/** Where the network looked when it was most wrong. */
export const occlusion: Contents = ({ occlusion }) => {
  if (occlusion === undefined || occlusion.photos.length === 0) return undefined
  const { photos, seconds, wanted } = occlusion
  return html`<p>
      The test photos with the highest loss that were predicted wrong, as the network sees them. Orange is where it
      looked: covering that place lowers the probability of the wrong class most (Zeiler and Fergus, 2014). A map that
      lies beside the thing itself says that the background decided. It took
      ${duration(Math.max(1, seconds))}${
        photos.length < wanted &&
        html`, and stopped after ${budgetSeconds} s, with ${photos.length} of ${wanted} photos`
      }.
    </p>
    <div class="photos">
      ${photos.map(({ drops, id, label, picture, predicted, probability }) => {
        const most = Math.max(0, ...drops)
        const effect =
          most < 0.01
            ? "no single place decides it"
            : `covered, the strongest place takes ${(100 * most).toFixed(0)} of ${percent(probability)}`
        return html`<div class="photo">
          ${zoomable({
            address: picture,
            alt: `Photo labelled ${label}, predicted ${predicted} with ${percent(probability)}, with a map of the places that decided it`,
            name: id,
            caption: `${label}, predicted ${predicted} with ${percent(probability)}; ${effect}`,
            over: mapOf(drops)
          })}
          <div>${label}</div>
          <div class="wrong">${predicted} ${percent(probability)}</div>
          <div class="quiet">${effect}</div>
        </div> `
      })}
    </div>`
}
