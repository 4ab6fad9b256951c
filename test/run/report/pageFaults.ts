import type { Page } from "playwright-core"

/** Runs in the page: what cannot be read there, a sentence each. */
const search = `(() => {
  const faults = []
  const told = (element) => element.tagName.toLowerCase() + " " + JSON.stringify((element.getAttribute("aria-label") ?? element.textContent).trim().slice(0, 40))
  const root = document.documentElement
  if (root.scrollWidth > root.clientWidth) faults.push("the page is wider than its window: " + root.scrollWidth)
  for (const details of document.querySelectorAll("details:not(.zoom)")) details.open = true
  const isShown = (element) => element.getClientRects().length > 0
  if (ONE_SCREEN)
    for (const element of document.querySelectorAll("body *")) {
      if (element instanceof SVGElement || getComputedStyle(element).display.startsWith("inline")) continue
      if (element.scrollWidth > element.clientWidth + 1) faults.push("cut: " + told(element) + " " + element.scrollWidth + " > " + element.clientWidth)
    }
  for (const text of document.querySelectorAll("svg text")) {
    if (!isShown(text)) continue
    const own = text.getBoundingClientRect()
    const chart = text.closest("svg").getBoundingClientRect()
    if (own.left < chart.left - 1 || own.right > chart.right + 1 || own.top < chart.top - 1 || own.bottom > chart.bottom + 1)
      faults.push("over the edge of its chart: " + told(text))
  }
  for (const head of document.querySelectorAll("th")) if (!head.hasAttribute("scope")) faults.push("no scope: " + told(head))
  for (const image of document.querySelectorAll("img")) if (!/^(Photo labelled .+, (predicted|likely) .+ with [0-9.]+ %|Training photo of the class .+, as the network sees it)/.test(image.alt)) faults.push("says not what it shows: " + image.alt)
  for (const region of document.querySelectorAll(".scroll")) if (region.tabIndex !== 0 || region.getAttribute("role") !== "region" || !region.getAttribute("aria-label")) faults.push("not for the keyboard: " + told(region))

  const parse = (colour) => { const [r, g, b, a = 1] = colour.match(/[0-9.]+/g).map(Number); return { r, g, b, a } }
  const over = (top, below) => ({ r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a), b: top.b * top.a + below.b * (1 - top.a), a: 1 })
  const behind = (element) => {
    if (element === null) return { r: 255, g: 255, b: 255, a: 1 }
    const colour = parse(getComputedStyle(element).backgroundColor)
    return colour.a === 1 ? colour : over(colour, behind(element.parentElement))
  }
  const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)
  const luminance = ({ r, g, b }) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
  const contrast = (a, b) => { const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y); return (high + 0.05) / (low + 0.05) }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const seen = new Set()
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    if (walker.currentNode.data.trim() === "" || ["SCRIPT", "STYLE", "title"].includes(element.tagName) || !isShown(element)) continue
    const isDrawn = element instanceof SVGElement
    // What stands on a cell of a confusion is held to its colour where that is chosen.
    if (isDrawn && element.closest("[aria-label=text]") !== null) continue
    const style = getComputedStyle(element)
    const below = behind(isDrawn ? element.closest("svg").parentElement : element)
    const found = contrast(over(parse(isDrawn ? style.fill : style.color), below), below)
    const key = element.tagName + element.className + found
    if (found < 4.5 && !seen.has(key)) { seen.add(key); faults.push("contrast " + found.toFixed(2) + ": " + told(element)) }
  }
  return faults
})()`

/** The widths at which a page is looked at: a desk's, a tablet's, a phone's, and paper of A4 with its margins. */
const views = [
  { width: 1280, isOneScreen: true, media: "screen" },
  { width: 800, isOneScreen: false, media: "screen" },
  { width: 390, isOneScreen: false, media: "screen" },
  { width: 688, isOneScreen: true, media: "print" }
] as const

/**
 * Looks at a page at several widths, in light and dark and on paper, with everything unfolded: text below a contrast of
 * 4.5 (WCAG 2.2, AA), what is cut or stands over an edge, heads without a scope, photos without words, regions that only
 * a mouse can scroll, and what the console says.
 */
export const pageFaults = async (page: Page, markup: string): Promise<ReadonlyArray<string>> => {
  const faults: Array<string> = []
  page.on("console", (message) => faults.push(message.text()))
  page.on("pageerror", (error) => faults.push(error.message))
  for (const { isOneScreen, media, width } of views)
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ media, colorScheme })
      await page.setViewportSize({ width, height: 800 })
      await page.setContent(markup)
      // The script is ours and gives sentences.
      const found = (await page.evaluate(search.replace("ONE_SCREEN", String(isOneScreen)))) as ReadonlyArray<string>
      faults.push(...found.map((fault) => `${width} ${media} ${colorScheme}: ${fault}`))
    }
  return faults
}
