import { escaped } from "../../pipeline/escaped.ts"

/**
 * Characters that a terminal obeys or hides instead of showing them: control characters (C0, DEL, C1), marks that
 * change the direction of the text around them (Unicode Standard Annex 9), line and paragraph separators, characters
 * without width, tags, and halves of surrogate pairs. Joiners stay: emoji and Persian words need them.
 */
const unseen =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u{ad}\u{200b}\u{2060}-\u{206f}\u{feff}\u{fff9}-\u{fffb}\u{e0000}-\u{e007f}]/gu

/** A text that is safe to show on a terminal: characters that are not visible are written as `\u001b`. */
export const visible = (text: string): string =>
  text.replace(unseen, (character) => (character === "\n" ? character : escaped(character)))

/** As `visible`, for a name, a label or a cell: a line break in it is escaped too, so that it stays one line. */
export const visibleLine = (text: string): string => text.replace(unseen, escaped)
