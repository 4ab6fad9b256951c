import { percent } from "../../../metrics/numberText.ts"
import type { FirstBatch } from "../firstBatch.ts"
import { count } from "../format.ts"
import type { Html } from "../html.ts"
import { html } from "../html.ts"
import type { Contents } from "./Shown.ts"
import { zoomable } from "./zoom.ts"

/** The first batch that the network was given, to see what the augmentation and the size leave of the photos. */
export const firstBatchOf = ({ height, images, size, width }: FirstBatch): Html =>
  html`<p>
      The first batch of the first epoch as the network sees it: ${width}x${height} pixels, with the configured
      augmentation${images.length < size && html`; ${count(images.length)} of its ${count(size)} images`}. What cannot
      be recognised here cannot be learned either.
    </p>
    <div class="photos">
      ${images.map(({ id, label, mixed, picture }) => {
        const text =
          mixed === undefined ? label : `${label} ${percent(1 - mixed.share)}, ${mixed.label} ${percent(mixed.share)}`
        return html`<div class="photo">
          ${zoomable({
            address: picture,
            alt: `Training photo of the class ${text}, as the network sees it`,
            name: id,
            caption: `${text}, ${id}`
          })}
          <div>${text}</div>
          <div class="quiet">${id}</div>
        </div> `
      })}
    </div>`

/** `firstBatchOf` what the run kept. */
export const firstBatch: Contents = ({ firstBatch }) =>
  firstBatch === undefined || firstBatch.images.length === 0 ? undefined : firstBatchOf(firstBatch)
