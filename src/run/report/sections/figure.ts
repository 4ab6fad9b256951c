import { chartTable } from "../chartTable.ts"
import type { Html } from "../html.ts"
import { html, raw } from "../html.ts"
import type { Shown } from "./Shown.ts"

/**
 * A chart with its caption and its values as a table; undefined where there is no such chart.
 *
 * `wide`: it scrolls within the page. `table: false`: the page has such a table elsewhere.
 */
export const figure = (
  { charts }: Pick<Shown, "charts">,
  name: string,
  caption: Html | string,
  { table = true, wide = false }: { readonly table?: boolean; readonly wide?: boolean } = {}
): Html | undefined => {
  const found = charts.get(name)
  if (found === undefined) return undefined
  const { chart, svg } = found
  const drawn = raw(svg)
  return html`<figure>
    ${wide ? html`<div class="scroll" role="region" aria-label="${chart.title}" tabindex="0">${drawn}</div>` : drawn}
    <figcaption>${caption}</figcaption>
    ${
      table &&
      html`<details class="values">
        <summary>${chart.title}, as a table</summary>
        ${chartTable(chart)}
      </details>`
    }
  </figure> `
}

/** A bar as wide as a share of `width` pixels, in a box of that width: bars of a column begin at one line. */
export const bar = (share: number, width: number): Html =>
  html`<span class="box" style="width:${width}px"
    ><span class="bar" style="width:${(Math.max(0, Math.min(1, share)) * width).toFixed(1)}px"></span
  ></span>`
