/**
 * What a key does, by where it is pressed. This table is also what the help shows.
 *
 * Where something is chosen by name, letters are its name, and commands have keys that no name begins with. After Escape,
 * and where nothing is chosen by name, letters are commands.
 */

export type View = "tag" | "grid" | "audit" | "progress" | "models"
export const views: ReadonlyArray<View> = ["tag", "grid", "audit", "progress", "models"]

/** Where the keyboard is: a view's part, or a layer above it. */
export type Place =
  | "tag"
  | "gridClasses"
  | "gridPhotos"
  | "audit"
  | "progress"
  | "models"
  | "commands"
  | "help"
  | "sure"

export type Action =
  | { readonly do: "take"; readonly line: number | null }
  | { readonly do: "takeAll" }
  | { readonly do: "leaveEmpty" }
  | { readonly do: "skip" }
  | { readonly do: "undo" }
  | { readonly do: "back" }
  | { readonly do: "move"; readonly by: number }
  | { readonly do: "column"; readonly by: number }
  | { readonly do: "pan"; readonly x: number; readonly y: number }
  | { readonly do: "zoom" }
  | { readonly do: "asText" }
  | { readonly do: "clear" }
  | { readonly do: "commands" }
  | { readonly do: "help" }
  | { readonly do: "close" }
  | { readonly do: "view"; readonly view: View }
  | { readonly do: "order" }
  | { readonly do: "signOut" }
  | { readonly do: "resend" }
  | { readonly do: "dismiss" }
  | { readonly do: "mark"; readonly cell: number | null }
  | { readonly do: "confirmAll" }
  | { readonly do: "otherClass" }
  | { readonly do: "list"; readonly list: number | null; readonly by: number }
  | { readonly do: "open" }
  | { readonly do: "takeOther" }
  | { readonly do: "keep" }
  | { readonly do: "putBack" }
  | { readonly do: "askSecond" }
  | { readonly do: "retrain" }
  | { readonly do: "stop" }
  | { readonly do: "promote" }
  | { readonly do: "force" }
  | { readonly do: "rollBack" }
  | { readonly do: "yes" }

/** A key as the browser names it. */
export interface Key {
  readonly key: string
  readonly ctrl: boolean
  readonly alt: boolean
  readonly shift: boolean
}

/** What decides about a key besides its place. */
export interface Circumstances {
  /** What is typed so far. */
  readonly typed: string
  /** After `/`: digits and signs are part of the name. */
  readonly asText: boolean
  readonly zoomed: boolean
}

/** The keys of the grid's photos: the rows of a keyboard, so that a photo is where its key is. */
export const gridRows: ReadonlyArray<string> = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"]
export const gridKeys: ReadonlyArray<string> = gridRows.flatMap((row) => [...row])

/** Letters that are commands after Escape, and at once where letters choose nothing. */
export const letters: Readonly<Record<string, Action>> = {
  s: { do: "skip" },
  u: { do: "undo" },
  t: { do: "view", view: "tag" },
  g: { do: "view", view: "grid" },
  a: { do: "view", view: "audit" },
  p: { do: "view", view: "progress" },
  m: { do: "view", view: "models" },
  o: { do: "order" },
  n: { do: "resend" },
  d: { do: "dismiss" },
  q: { do: "signOut" },
  "?": { do: "help" }
}

const digitOf = (key: string): number | undefined => (/^[1-9]$/.test(key) ? Number(key) - 1 : undefined)

const inTag = ({ key, shift }: Key, { asText, typed, zoomed }: Circumstances): Action | null => {
  const empty = typed === ""
  switch (key) {
    case "Enter":
      return shift ? { do: "takeAll" } : { do: "take", line: null }
    case "Tab":
      return { do: "column", by: shift ? -1 : 1 }
    case "Escape":
      return !empty || asText ? { do: "clear" } : zoomed ? { do: "zoom" } : { do: "commands" }
    case "ArrowUp":
    case "ArrowDown": {
      const by = key === "ArrowUp" ? -1 : 1
      return zoomed && empty ? { do: "pan", x: 0, y: by } : { do: "move", by }
    }
    case "ArrowLeft":
    case "ArrowRight": {
      if (!empty || asText) return null
      const by = key === "ArrowLeft" ? -1 : 1
      return zoomed ? { do: "pan", x: by, y: 0 } : { do: "column", by }
    }
  }
  if (asText) return null
  const digit = digitOf(key)
  if (digit !== undefined) return { do: "take", line: digit }
  if (!empty) return null
  switch (key) {
    case "0":
      return { do: "leaveEmpty" }
    case "-":
      return { do: "skip" }
    case "Backspace":
      return { do: "back" }
    case " ":
      return { do: "zoom" }
    case "/":
      return { do: "asText" }
    case "?":
      return { do: "help" }
  }
  return null
}

const inGridClasses = ({ key }: Key, { typed }: Circumstances): Action | null => {
  const digit = digitOf(key)
  if (digit !== undefined) return { do: "take", line: digit }
  switch (key) {
    case "Enter":
      return { do: "take", line: null }
    case "Escape":
      return typed === "" ? { do: "commands" } : { do: "clear" }
    case "ArrowUp":
      return { do: "move", by: -1 }
    case "ArrowDown":
      return { do: "move", by: 1 }
    case "Tab":
      return { do: "column", by: 1 }
    case "Backspace":
      return typed === "" ? { do: "undo" } : null
    case "?":
      return typed === "" ? { do: "help" } : null
  }
  return null
}

const inGridPhotos = ({ key }: Key, columns: number): Action | null => {
  const cell = gridKeys.indexOf(key.toLowerCase())
  if (cell >= 0) return { do: "mark", cell }
  switch (key) {
    case "Enter":
      return { do: "confirmAll" }
    case " ":
      return { do: "mark", cell: null }
    case "Escape":
      return { do: "commands" }
    case "/":
      return { do: "otherClass" }
    case "Backspace":
      return { do: "undo" }
    case "?":
      return { do: "help" }
    case "ArrowLeft":
      return { do: "move", by: -1 }
    case "ArrowRight":
      return { do: "move", by: 1 }
    case "ArrowUp":
      return { do: "move", by: -columns }
    case "ArrowDown":
      return { do: "move", by: columns }
  }
  return null
}

const inAudit = ({ key }: Key): Action | null => {
  const digit = digitOf(key)
  if (digit !== undefined && digit < 5) return { do: "list", list: digit, by: 0 }
  switch (key) {
    case "Enter":
      return { do: "open" }
    case "x":
      return { do: "takeOther" }
    case "k":
      return { do: "keep" }
    case "r":
      return { do: "putBack" }
    case "w":
      return { do: "askSecond" }
    case "ArrowUp":
    case "ArrowDown":
      return { do: "move", by: key === "ArrowUp" ? -1 : 1 }
    case "ArrowLeft":
    case "ArrowRight":
      return { do: "list", list: null, by: key === "ArrowLeft" ? -1 : 1 }
    case "Backspace":
      return { do: "undo" }
  }
  return null
}

const inModels = ({ key }: Key): Action | null => {
  switch (key) {
    case "R":
      return { do: "retrain" }
    case "X":
      return { do: "stop" }
    case "P":
      return { do: "promote" }
    case "F":
      return { do: "force" }
    case "B":
      return { do: "rollBack" }
    case "ArrowUp":
    case "ArrowDown":
      return { do: "move", by: key === "ArrowUp" ? -1 : 1 }
  }
  return null
}

/** What a key does; null: what the browser does with it, such as typing a letter. */
export const actionOf = (place: Place, pressed: Key, now: Circumstances): Action | null => {
  const { alt, ctrl, key, shift } = pressed
  if (ctrl && !alt && !shift && key.toLowerCase() === "z" && place !== "help" && place !== "sure") {
    return now.typed === "" ? { do: "undo" } : null
  }
  if (ctrl || alt) return null
  switch (place) {
    case "help":
      return key === "Escape" || key === "?" || key === "Enter" ? { do: "close" } : null
    case "sure":
      return key === "Enter" ? { do: "yes" } : { do: "close" }
    case "commands":
      return letters[key] ?? (key === "Shift" ? null : { do: "close" })
    case "tag":
      return inTag(pressed, now)
    case "gridClasses":
      return inGridClasses(pressed, now)
    case "gridPhotos":
      return inGridPhotos(pressed, gridRows[0]?.length ?? 10)
    case "audit":
      return inAudit(pressed) ?? letters[key] ?? (key === "Escape" ? { do: "commands" } : null)
    case "models":
      return inModels(pressed) ?? letters[key] ?? (key === "Escape" ? { do: "commands" } : null)
    case "progress":
      return letters[key] ?? (key === "Escape" ? { do: "commands" } : null)
  }
}
