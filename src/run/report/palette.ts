/**
 * The colours of pages and charts by the names of the page's CSS variables: on white, and on the dark page.
 *
 * Series take `--c0` to `--c5`. Source: Okabe and Ito, Color Universal Design, 2008: distinct for the colour-blind too.
 * Those for the dark page are the same hues, lighter, with a contrast of at least 3 to it. Colours of text (ink, quiet,
 * wrong, and links in --c0) have at least 4.5, on the page and on panels (WCAG 2.2, 1.4.3 and 1.4.11).
 */
export const palette: Readonly<Record<string, { readonly light: string; readonly dark: string }>> = {
  "--c0": { light: "#0072b2", dark: "#56b4e9" },
  "--c1": { light: "#d55e00", dark: "#f0883e" },
  "--c2": { light: "#009e73", dark: "#2cc295" },
  "--c3": { light: "#b0588a", dark: "#e29bc4" },
  "--c4": { light: "#b37b00", dark: "#e6c229" },
  "--c5": { light: "#3a8fc4", dark: "#9ad1f5" },
  "--ink": { light: "#1d2328", dark: "#e4e8eb" },
  "--wrong": { light: "#b34700", dark: "#f0883e" },
  "--quiet": { light: "#5b666f", dark: "#9aa6b0" },
  "--line": { light: "#d8dde1", dark: "#3a434b" },
  "--page": { light: "#ffffff", dark: "#15191d" },
  "--panel": { light: "#f5f7f8", dark: "#1d2328" }
}

/** How many colours the series of a chart have; further series repeat them, dashed. */
export const seriesColours = 6

/** The variables as CSS declarations. */
export const variables = (scheme: "light" | "dark"): string =>
  Object.entries(palette)
    .map(([name, colour]) => `${name}: ${colour[scheme]};`)
    .join(" ")
