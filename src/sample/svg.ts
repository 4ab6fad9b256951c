/** A number of a drawing: rounded to two decimals, so that the last bit of a machine's arithmetic does not show. */
const rounded = (value: number): string => String(Math.round(value * 100) / 100 + 0)

/** Text of a drawing in which every number has two decimals at most: svg`M ${x} ${y}`. */
export const svg = (texts: TemplateStringsArray, ...values: ReadonlyArray<string | number>): string =>
  texts.reduce((text, part, i) => {
    const value = values[i - 1] ?? ""
    return text + (typeof value === "number" ? rounded(value) : value) + part
  })

/** How a shape is painted: colours as SVG writes them. */
export interface Stroke {
  readonly fill?: string
  readonly stroke?: string
  readonly width?: number
  readonly opacity?: number
}

const painted = ({ fill = "none", opacity, stroke, width = 1 }: Stroke): string =>
  svg`fill="${fill}"` +
  (stroke === undefined ? "" : svg` stroke="${stroke}" stroke-width="${width}" stroke-linejoin="round"`) +
  (stroke === undefined ? "" : ` stroke-linecap="round"`) +
  (opacity === undefined ? "" : svg` opacity="${opacity}"`)

/** A path; `d` comes from the tagged template `svg`. */
export const path = (d: string, stroke: Stroke): string => `<path d="${d}" ${painted(stroke)}/>`

/** A closed shape through corners [x, y]. */
export const polygon = (corners: ReadonlyArray<readonly [number, number]>, stroke: Stroke): string =>
  path(`M${corners.map(([x, y]) => svg`${x} ${y}`).join("L")}Z`, stroke)

/** A straight line. */
export const line = (x1: number, y1: number, x2: number, y2: number, stroke: Stroke): string =>
  path(svg`M${x1} ${y1}L${x2} ${y2}`, stroke)

/** An ellipse about (x, y). */
export const ellipse = (x: number, y: number, rx: number, ry: number, stroke: Stroke): string =>
  svg`<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" ` + `${painted(stroke)}/>`

/** A rectangle from its left top corner, with round corners of radius `r`. */
export const rectangle = (x: number, y: number, w: number, h: number, r: number, stroke: Stroke): string =>
  svg`<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="${r}" ` + `${painted(stroke)}/>`
