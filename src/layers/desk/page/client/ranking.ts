/** Type-ahead: which classes a few letters mean, and how many keys a class takes. Pure; the page and its bench share it. */

/** A class, and how often it occurs: what type-ahead orders by. */
export interface Frequent {
  readonly label: string
  readonly frequency: number
}

/** Upper and lower case, and accents, are the same letter to somebody who types. */
export const folded = (text: string): string => text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase()

/** Whether the letters occur in this order, the first one as the first: `spsh` means Sports Shoes. */
const abbreviates = (letters: string, text: string): boolean => {
  if (letters[0] !== text[0]) return false
  let at = 0
  for (const character of text) if (character === letters[at]) at += 1
  return at >= letters.length
}

/** Begins with the letters; has a word that does; is abbreviated by them; contains them; 4: none of these. */
const kindOfMatch = (letters: string, text: string): number => {
  if (text.startsWith(letters)) return 0
  for (let at = text.indexOf(letters); at > 0; at = text.indexOf(letters, at + 1))
    if (!/[\p{L}\p{N}]/u.test(text[at - 1] ?? "")) return 1
  if (abbreviates(letters, text)) return 2
  return text.includes(letters) ? 3 : 4
}

/** The most frequent first, equal ones by name. The order stays as it is while somebody works, so that hands learn it. */
export const byFrequency = (classes: ReadonlyArray<Frequent>): ReadonlyArray<Frequent> =>
  [...classes].sort((a, b) => b.frequency - a.frequency || (a.label < b.label ? -1 : a.label > b.label ? 1 : 0))

/**
 * The classes that these letters may mean, the best first.
 *
 * @param classes - in the order of `byFrequency`, which also orders matches of one kind
 */
export const rank = (classes: ReadonlyArray<Frequent>, typed: string): ReadonlyArray<string> => {
  const letters = folded(typed.trim())
  if (letters === "") return classes.map(({ label }) => label)
  const kinds: Array<Array<string>> = [[], [], [], []]
  for (const { label } of classes) kinds[kindOfMatch(letters, folded(label))]?.push(label)
  return kinds.flat()
}

/** As many lines as the list has digits. */
export const listed = 9

export interface Hand {
  /** Also takes a line of the list by its digit; else letters, and Enter once the class is the first line. */
  readonly digits: boolean
}

/** What an operator may type for a class: its name from the start, or a letter of each word. */
const typings = (label: string): ReadonlyArray<string> => {
  const name = folded(label)
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "")
  const initials = words.map((word) => word[0] ?? "").join("")
  return words.length > 1 ? [name, initials + (words.at(-1) ?? "").slice(1)] : [name]
}

/** How many keys a class takes without suggestions: letters, and the key that takes it. */
export const keysFor = (label: string, classes: ReadonlyArray<Frequent>, { digits }: Hand): number => {
  let least = Number.POSITIVE_INFINITY
  for (const typing of typings(label))
    for (let letters = 1; letters <= typing.length && letters + 1 < least; letters++) {
      const place = rank(classes, typing.slice(0, letters)).indexOf(label)
      if (place === 0 || (digits && place > 0 && place < listed)) least = letters + 1
    }
  // A name that others begin with is chosen with the arrow keys.
  return least === Number.POSITIVE_INFINITY ? folded(label).length + 1 + rank(classes, label).indexOf(label) : least
}
