import { byCodePoint } from "./hashOrder.ts"

/** Characters that a label may begin or end with by mistake: white space, quotes, marks of enumeration. */
const around = /^[\s\p{Pi}\p{Pf}"'`´.,;:!?_\-–—*/\\|]+|[\s\p{Pi}\p{Pf}"'`´.,;:!?_\-–—*/\\|]+$/gu

/** Invisible characters: format characters, soft hyphens, variation selectors. */
const unseen = /[\p{Cf}\p{Variation_Selector}]/gu

/** A label without differences that people do not mean: case, Unicode form, invisible and surrounding characters. */
const keyOf = (label: string): string => {
  const seen = label.normalize("NFKC").replaceAll(unseen, "").toUpperCase().toLowerCase().normalize("NFKC")
  const inner = seen.replaceAll(around, "").replaceAll(/\s+/g, " ")
  return inner === "" ? seen : inner
}

/** A label for a message, with invisible characters as codes: "Tops\u{200b}". */
const visible = (label: string): string =>
  JSON.stringify(label).replaceAll(
    /[\p{Cf}\p{Variation_Selector}\p{M}]|(?! )\p{Zs}/gu,
    (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`
  )

const shownGroups = 5

/**
 * Labels that are probably one class, each with its rows: they differ only by case, Unicode form, characters that are
 * not seen, or characters around them. They stay separate classes; the user gets a note.
 */
export const similarLabels = (
  counts: ReadonlyMap<string, number>
): ReadonlyArray<ReadonlyArray<{ readonly label: string; readonly rows: number }>> =>
  [...Map.groupBy(counts, ([label]) => keyOf(label)).values()]
    .filter((group) => group.length > 1)
    .map((group) =>
      group.map(([label, rows]) => ({ label, rows })).sort((a, b) => b.rows - a.rows || byCodePoint(a.label, b.label))
    )

/** A note on similar labels, or none; with a list of allowed labels, on those of which one is allowed. */
export const similarLabelsNote = (
  counts: ReadonlyMap<string, number>,
  allowed: ReadonlyArray<string> | undefined
): string | undefined => {
  const groups = similarLabels(counts).filter(
    (group) => allowed === undefined || group.some(({ label }) => allowed.includes(label))
  )
  if (groups.length === 0) return undefined
  const named = groups
    .slice(0, shownGroups)
    .map((group) => group.map(({ label, rows }) => `${visible(label)} (${rows})`).join(", "))
  const more = groups.length - named.length
  return (
    "labels that differ only by case, Unicode form or hardly visible characters are separate classes: " +
    `${named.join("; ")}${more > 0 ? `; and ${more} more` : ""}. If they mean the same, give them one spelling`
  )
}
