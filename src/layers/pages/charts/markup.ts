import { palette } from "../../../run/report/palette.ts"

/** Coordinates rounded to a hundredth of a pixel, which takes a third of the bytes and cannot be seen. */
export const attributesRounded = (markup: string): string =>
  markup.replace(
    /( (?:d|x|y|x1|x2|y1|y2|cx|cy|width|height|transform)=")([^"]*)"/g,
    (_, name: string, value: string) =>
      `${name}${value.replace(/-?\d+\.\d{3,}/g, (n) => String(Number(Number(n).toFixed(2))))}"`
  )

/** The page's variables as the colours that they are on white; text and axes in ink. */
export const coloursFixed = (markup: string): string =>
  markup
    .replace(/var\((--[a-z0-9]+)\)/g, (variable, name: string) => palette[name]?.light ?? variable)
    .replaceAll("currentColor", palette["--ink"]!.light)
