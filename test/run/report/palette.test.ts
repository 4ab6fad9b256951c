import { assert, describe, it } from "@effect/vitest"
import { strongestBehindText } from "../../../src/layers/pages/charts/matrixPlot.ts"
import { palette } from "../../../src/run/report/palette.ts"
import { style } from "../../../src/run/report/style.ts"

type Rgb = readonly [number, number, number]

const schemes = ["light", "dark"] as const
const channels = (hex: string): Rgb => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as never // three
const colour = (name: string, scheme: (typeof schemes)[number]): Rgb => {
  const found = palette[name]
  assert.isDefined(found, `${name} is not in the palette`)
  return channels(found![scheme])
}
/** Relative luminance and contrast. Source: WCAG 2.2. */
const luminance = (rgb: Rgb) => {
  const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! // three
}
const contrast = (a: Rgb, b: Rgb) => {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (high + 0.05) / (low + 0.05)
}
const blend = (top: Rgb, below: Rgb, opacity: number): Rgb =>
  top.map((c, i) => c * opacity + below[i]! * (1 - opacity)) as never // three

/** The variables that the style gives to text. */
const textColours = [
  ...new Set(Array.from(style.markup.matchAll(/(?<![\w-])color: var\((--\w+)\)/g), ([, name]) => name!))
]

describe("the pages' colours", () => {
  it("are read from the style: ink, quiet, wrong and links", () => {
    assert.includeMembers(textColours, ["--ink", "--quiet", "--wrong", "--c0"])
  })

  for (const scheme of schemes) {
    for (const name of textColours)
      it(`${scheme}: text in ${name} has a contrast of 4.5 and more to the page and to panels`, () => {
        for (const below of ["--page", "--panel"])
          assert.isAtLeast(contrast(colour(name, scheme), colour(below, scheme)), 4.5, below)
      })

    it(`${scheme}: series have a contrast of 3 and more to the page`, () => {
      for (const name of Object.keys(palette).filter((name) => /^--c\d$/.test(name)))
        assert.isAtLeast(contrast(colour(name, scheme), colour("--page", scheme)), 3, name)
    })

    it(`${scheme}: the count on the strongest cell of a confusion has a contrast of 4.5 and more`, () => {
      for (const name of ["--c0", "--c1"]) {
        const cell = blend(colour(name, scheme), colour("--panel", scheme), strongestBehindText)
        assert.isAtLeast(contrast(colour("--ink", scheme), cell), 4.5, name)
      }
    })
  }
})
