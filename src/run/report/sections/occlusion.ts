import { duration, percent } from "../../../metrics/numberText.ts"
import { html } from "../html.ts"
import { budgetSeconds, cells } from "../occlusion.ts"
import type { Contents } from "./Shown.ts"
import { zoomable } from "./zoom.ts"

/** Where nothing takes more than this, the strongest place is not drawn as if it decided. */
const least = 0.1

/** The strongest shade over a place that decides nothing. */
const darkest = 0.72

/** The map of a photo as shades over it: dark where covering changes nothing, none where it changes most. */
const mapOf = (drops: ReadonlyArray<number>) => {
  const strongest = Math.max(least, ...drops)
  return html`<svg
    class="heat"
    viewBox="0 0 ${cells} ${cells}"
    preserveAspectRatio="none"
    shape-rendering="crispEdges"
    aria-hidden="true"
  >
    ${drops.map(
      (drop, i) =>
        html`<rect
          x="${i % cells}"
          y="${Math.floor(i / cells)}"
          width="1"
          height="1"
          fill-opacity="${Number((darkest * (1 - Math.max(0, drop) / strongest)).toFixed(2))}"
        ></rect>`
    )}
  </svg>`
}

/** Where the network looked when it was most wrong. */
export const occlusion: Contents = ({ occlusion }) => {
  if (occlusion === undefined || occlusion.photos.length === 0) return undefined
  const { photos, seconds, wanted } = occlusion
  return html`<p>
      The test photos with the highest loss that were predicted wrong, as the network sees them. Bright is where it
      looked: covering that place lowers the probability of the wrong class most (Zeiler and Fergus, 2014). Where the
      thing itself is dark, the background decided. It took
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
