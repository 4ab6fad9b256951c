import { Result } from "effect"

/** Characters of a pattern: no path is longer. */
const longestPattern = 4096

/** Patterns that one with braces may stand for; each name is compared with all of them. */
const mostAlternatives = 1000

/** Whether a text is a pattern, where no file has that name. */
export const isPattern = (text: string): boolean => /[*?[{]/.test(text)

/** What stands for one character or more in a name. */
type Token =
  | { readonly _tag: "Star" }
  | { readonly _tag: "Any" }
  | { readonly _tag: "One"; readonly character: string }
  | { readonly _tag: "Class"; readonly isNegated: boolean; readonly has: (character: string) => boolean }

/** A name of a path: one that matches tokens; `**` stands for any number of folders. */
type Segment = "**" | ReadonlyArray<Token>

/** How far a path has matched: a segment of an alternative that is next. */
interface State {
  readonly segments: ReadonlyArray<Segment>
  readonly next: number
}

/** What is left of a pattern after some folders of a path. */
export interface Glob {
  /** What is left below a folder or a file of this name. */
  readonly below: (name: string) => Glob
  /** Whether a file here matches. */
  readonly isWhole: boolean
  /** Whether something below a folder here may match. */
  readonly goesOn: boolean
  /** Whether the folders that may match are of any depth. */
  readonly isDeep: boolean
  /** Comparisons of a name: how much work `below` is. */
  readonly work: number
}

/** macOS and Windows take `A` and `a` for the same name, and so do patterns there. */
const isCaseBlind = process.platform === "darwin" || process.platform === "win32"

/** A text in the form in which names are compared: `é` is the same, however it is written. */
const comparable = (text: string): ReadonlyArray<string> => {
  const whole = text.normalize("NFC")
  return Array.from(isCaseBlind ? whole.toLowerCase() : whole)
}

/** For each opening brace of a text its closing one and the commas between: found once, whatever is not closed. */
const bracesOf = (text: string): ReadonlyMap<number, ReadonlyArray<number>> => {
  const found = new Map<number, ReadonlyArray<number>>()
  const open: Array<Array<number>> = []
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === "\\") i++
    else if (character === "{") open.push([i])
    else if (character === ",") open.at(-1)?.push(i)
    else if (character === "}") {
      const [from, ...stops] = open.pop() ?? []
      if (from !== undefined) found.set(from, [...stops, i])
    }
  }
  return found
}

/** `1..9`, `01..12`, `a..e`, `1..9..2`: from, to and step, and how a number is written. */
const rangeOf = (text: string) => {
  const numbers = /^(-?\d{1,15})\.\.(-?\d{1,15})(?:\.\.(-?\d{1,15}))?$/.exec(text)
  const letters = /^([A-Za-z])\.\.([A-Za-z])(?:\.\.(-?\d{1,15}))?$/.exec(text)
  const [, first, last, stride] = numbers ?? letters ?? []
  if (first === undefined || last === undefined) return undefined
  const code = (end: string) => (numbers === null ? end.charCodeAt(0) : Number(end))
  const [from, to] = [code(first), code(last)]
  const step = Math.max(1, Math.abs(Number(stride ?? 1)))
  const isPadded = numbers !== null && [first, last].some((end) => /^-?0\d/.test(end))
  const width = isPadded ? Math.max(first.length, last.length) : 0
  const written = (value: number) => {
    if (numbers === null) return String.fromCharCode(value)
    const sign = value < 0 ? "-" : ""
    return sign + String(Math.abs(value)).padStart(width - sign.length, "0")
  }
  return { from, step, written, count: Math.floor(Math.abs(to - from) / step) + 1, sign: to < from ? -1 : 1 }
}

/** What a pattern with braces stands for; undefined where that is more than `mostAlternatives`. */
const withoutBraces = (pattern: string): ReadonlyArray<string> | undefined => {
  const braces = bracesOf(pattern)
  /** The alternatives of a part of the pattern; of an unclosed brace it is a character as any other. */
  const expand = (from: number, to: number): ReadonlyArray<string> | undefined => {
    let done: ReadonlyArray<string> = [""]
    const append = (endings: ReadonlyArray<string>) => {
      if (done.length * endings.length > mostAlternatives) return false
      done = done.flatMap((begun) => endings.map((ending) => begun + ending))
      return true
    }
    for (let i = from; i < to; i++) {
      const stops = braces.get(i)
      const end = stops?.at(-1)
      if (stops === undefined || end === undefined || end >= to) {
        const length = pattern[i] === "\\" ? 2 : 1
        append([pattern.slice(i, i + length)])
        i += length - 1
        continue
      }
      const range = stops.length === 1 ? rangeOf(pattern.slice(i + 1, end)) : undefined
      const choices: Array<string> = []
      if (range !== undefined) {
        if (range.count > mostAlternatives) return undefined
        for (let k = 0; k < range.count; k++) choices.push(range.written(range.from + range.sign * k * range.step))
      } else if (stops.length === 1) {
        // `{a}` is no choice, and stands for itself.
        const inner = expand(i + 1, end)
        if (inner === undefined) return undefined
        choices.push(...inner.map((text) => `{${text}}`))
      } else {
        let begin = i + 1
        for (const stop of stops) {
          const inner = expand(begin, stop)
          if (inner === undefined || choices.length + inner.length > mostAlternatives) return undefined
          choices.push(...inner)
          begin = stop + 1
        }
      }
      if (!append(choices)) return undefined
      i = end
    }
    return done
  }
  return expand(0, pattern.length)
}

/** Classes by name, as in `[[:digit:]]`. Source: POSIX.1-2024, Base Definitions, 9.3.5. */
const classes: Readonly<Record<string, RegExp>> = {
  alnum: /[\p{L}\p{Nl}\p{Nd}]/u,
  alpha: /[\p{L}\p{Nl}]/u,
  blank: /[\p{Zs}\t]/u,
  digit: /\p{Nd}/u,
  lower: /\p{Ll}/u,
  punct: /\p{P}/u,
  space: /\s/u,
  upper: /\p{Lu}/u,
  xdigit: /[0-9A-Fa-f]/
}

/** The class that begins at `from`, and where it ends; none where it is not closed. */
const classAt = (
  text: ReadonlyArray<string>,
  from: number
): { readonly token: Token; readonly end: number } | undefined => {
  let i = from + 1
  const isNegated = text[i] === "!" || text[i] === "^"
  if (isNegated) i++
  const tests: Array<(character: string) => boolean> = []
  for (let isFirst = true; i < text.length; isFirst = false, i++) {
    if (text[i] === "]" && !isFirst)
      return { end: i, token: { _tag: "Class", isNegated, has: (character) => tests.some((test) => test(character)) } }
    if (text[i] === "[" && text[i + 1] === ":") {
      const end = text.indexOf("]", i)
      const named = classes[text.slice(i + 2, end - 1).join("")]
      if (end > 0 && text[end - 1] === ":" && named !== undefined) {
        tests.push((character) => named.test(character))
        i = end
        continue
      }
    }
    if (text[i] === "\\" && i + 1 < text.length) i++
    const low = text[i] ?? ""
    if (text[i + 1] === "-" && text[i + 2] !== "]" && text[i + 2] !== undefined) {
      i += text[i + 2] === "\\" ? 3 : 2
      const high = text[i] ?? ""
      const [least, most] = [low.codePointAt(0) ?? 0, high.codePointAt(0) ?? 0]
      tests.push((character) => {
        const code = character.codePointAt(0) ?? -1
        return code >= least && code <= most
      })
    } else tests.push((character) => character === low)
  }
  return undefined
}

const segmentOf = (text: string): Segment => {
  if (text === "**") return "**"
  const characters = comparable(text)
  const tokens: Array<Token> = []
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? ""
    if (character === "*") {
      if (tokens.at(-1)?._tag !== "Star") tokens.push({ _tag: "Star" })
    } else if (character === "?") tokens.push({ _tag: "Any" })
    else {
      const found = character === "[" ? classAt(characters, i) : undefined
      if (found !== undefined) {
        tokens.push(found.token)
        i = found.end
      } else {
        if (character === "\\" && i + 1 < characters.length) i++
        tokens.push({ _tag: "One", character: characters[i] ?? "" })
      }
    }
  }
  return tokens
}

const isOne = (token: Token, character: string): boolean => {
  switch (token._tag) {
    case "One":
      return token.character === character
    case "Class":
      return token.has(character) !== token.isNegated
    default:
      return true
  }
}

/**
 * Whether a name matches. Where it does not go on, the last star takes one character more, and the ones before it stay:
 * the time is the name's length times the pattern's at most.
 */
const matches = (tokens: ReadonlyArray<Token>, name: ReadonlyArray<string>): boolean => {
  let [at, token, star, taken] = [0, 0, -1, 0]
  while (at < name.length) {
    const next = tokens[token]
    if (next?._tag === "Star") {
      star = token++
      taken = at
    } else if (next !== undefined && isOne(next, name[at] ?? "")) {
      token++
      at++
    } else if (star >= 0) {
      token = star + 1
      at = ++taken
    } else return false
  }
  while (tokens[token]?._tag === "Star") token++
  return token === tokens.length
}

/** A hidden name is meant by one that says its dot, as in a shell. */
const isHidden = (name: ReadonlyArray<string>, [first]: ReadonlyArray<Token>): boolean =>
  name[0] === "." && first?._tag !== "One"

/** `**` may stand for no folder at all, unless it is the end; where two ways lead to the same segment, one is enough. */
const closed = (given: ReadonlyArray<State>): ReadonlyArray<State> => {
  const seen = new Map<ReadonlyArray<Segment>, Set<number>>()
  const states: Array<State> = []
  for (const { next, segments } of given) {
    const known = seen.get(segments) ?? new Set()
    seen.set(segments, known)
    for (let at = next; !known.has(at); at++) {
      known.add(at)
      states.push({ segments, next: at })
      if (segments[at] !== "**" || at === segments.length - 1) break
    }
  }
  return states
}

const globOf = (given: ReadonlyArray<State>): Glob => {
  const states = closed(given)
  return {
    isWhole: states.some(({ next, segments }) => next === segments.length && next > 0),
    goesOn: states.some(({ next, segments }) => next < segments.length),
    isDeep: states.some(({ next, segments }) => segments.slice(next).includes("**")),
    work: states.length,
    below: (text) => {
      const name = comparable(text)
      return globOf(
        states.flatMap(({ next, segments }): ReadonlyArray<State> => {
          const segment = segments[next]
          if (segment === undefined) return []
          if (segment === "**" && name[0] === ".") return []
          if (segment === "**")
            return next < segments.length - 1
              ? [{ segments, next }]
              : [next, next + 1].map((next) => ({ segments, next }))
          return !isHidden(name, segment) && matches(segment, name) ? [{ segments, next: next + 1 }] : []
        })
      )
    }
  }
}

/**
 * A pattern for paths: `*`, `?`, `[…]`, `{a,b}` and `{1..9}` in a name, `**` for any number of folders. Fails with a reason
 * where it stands for too much.
 *
 * No name and no pattern takes longer than the product of their lengths.
 */
export const glob = (pattern: string): Result.Result<Glob, string> => {
  if (pattern.length > longestPattern)
    return Result.fail(`the pattern has ${pattern.length} characters; ${longestPattern} are allowed`)
  const alternatives = withoutBraces(pattern)
  if (alternatives === undefined)
    return Result.fail(`the braces stand for more than ${mostAlternatives} patterns; use * or ? instead`)
  return Result.succeed(
    globOf(
      alternatives.map((alternative) => ({
        segments: alternative
          .split("/")
          .filter((name) => name !== "")
          .map(segmentOf),
        next: 0
      }))
    )
  )
}
