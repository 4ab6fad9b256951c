/** Markup that is safe to put into a page as it is. */
export interface Html {
  readonly markup: string
}

/** Text as markup, between tags and in quoted attributes. */
export const escape = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;")

/** What a template may contain; `undefined` and `false` are left out. */
export type Piece = Html | string | number | undefined | false | ReadonlyArray<Piece>

const markupOf = (piece: Piece): string => {
  if (piece === undefined || piece === false) return ""
  if (typeof piece === "string") return escape(piece)
  if (typeof piece === "number") return String(piece)
  return "markup" in piece ? piece.markup : piece.map(markupOf).join("")
}

/** A template whose pieces are escaped, unless they are markup made by this function. */
export const html = (strings: TemplateStringsArray, ...pieces: ReadonlyArray<Piece>): Html => ({
  markup: strings.reduce((markup, text, i) => markup + markupOf(pieces[i - 1]) + text)
})

/** Text that is markup already: our own, or of a library that escapes. Never text from outside. */
export const raw = (markup: string): Html => ({ markup })
