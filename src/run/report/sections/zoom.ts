import type { Html } from "../html.ts"
import { html, raw } from "../html.ts"
import { isLocalPicture } from "../picture.ts"

/** A picture, and its words. */
export interface Picture {
  /** Its `data:` address; undefined where it is not there. */
  readonly address: string | undefined
  /** For those who cannot see it. */
  readonly alt: string
  /** Shown in its place where it is not there. */
  readonly name: string
  /** Shown below it when it is large. */
  readonly caption: string
  /** Drawn over it. */
  readonly over?: Html | undefined
}

/**
 * A picture that a click, Enter or the space key shows large, and again small: a `details` element, so that it needs no
 * script and is there once.
 */
export const zoomable = ({ address, alt, caption, name, over }: Picture): Html =>
  address !== undefined && isLocalPicture(address)
    ? html`<details class="zoom">
        <summary title="Show it large, and small again">
          <span class="seen"><img src="${raw(address)}" alt="${alt}" />${over}</span
          ><span class="caption">${caption}</span>
        </summary>
      </details>`
    : html`<span class="none" title="${caption}">${name}</span>`
