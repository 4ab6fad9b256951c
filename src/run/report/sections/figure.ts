import { html, raw } from "../html.ts"
import type { Html } from "../html.ts"
import type { Shown } from "./Shown.ts"

/** A chart with what it says below it; nothing where there is no such chart. A wide one is scrolled by itself. */
export const figure = (
  { charts }: Pick<Shown, "charts">,
  name: string,
  caption: Html | string,
  wide = false
): Html | undefined => {
  const svg = charts.get(name)
  if (svg === undefined) return undefined
  const drawn = raw(svg)
  return html`<figure>
    ${wide ? html`<div class="scroll" tabindex="0">${drawn}</div>` : drawn}
    <figcaption>${caption}</figcaption>
  </figure> `
}

/** A bar as wide as a share of `width` pixels, in a box of that width: bars of a column begin at one line. */
export const bar = (share: number, width: number): Html =>
  html`<span class="box" style="width:${width}px"
    ><span class="bar" style="width:${(Math.max(0, Math.min(1, share)) * width).toFixed(1)}px"></span
  ></span>`
