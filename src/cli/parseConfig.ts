import { Effect, Schema } from "effect"
import { Toml } from "effect/encoding"
import type { ParseError as JsonError } from "jsonc-parser"
import { parse as parseJson } from "jsonc-parser"
import { isAlias, LineCounter, parseDocument, visit } from "yaml"
import type { Document } from "yaml"
import { messageOf } from "../pipeline/messageOf.ts"

/** A text cannot be parsed: why, and where. */
export class ConfigSyntaxError extends Schema.TaggedError<ConfigSyntaxError>()("ConfigSyntaxError", {
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }
}

const syntaxError = (detail: string) => Effect.fail(new ConfigSyntaxError({ detail }))

/** A parser's reason, in plain words where its own are no help: a recursive parser runs out of stack on deep values. */
const reasonOf = (cause: unknown): string =>
  messageOf(cause)
    .replace(/^Maximum call stack size exceeded.*$/s, "its values are nested too deep")
    .replace(/^Excessive alias count.*$/s, "its aliases, followed, stand for too many values")

/** `at line 3, column 25` of a position, counted from 1. */
const placeOf = (text: string, offset: number): string => {
  const before = text.slice(0, offset).split("\n")
  return `at line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`
}

/** JSON.parse's reason is the clearer one; where it names no position, jsonc-parser finds it. */
const explainJson = (text: string, reason: string): string => {
  const position = / in JSON at position (\d+)/.exec(reason)?.[1]
  const errors: Array<JsonError> = []
  if (position === undefined) parseJson(text, errors, { disallowComments: true, allowTrailingComma: false })
  const offset = position === undefined ? (errors[0]?.offset ?? text.length) : Number(position)
  const what = reason.replace(/ in JSON at position .*$/s, "").replace(/, (\.\.\.)?".*is not valid JSON$/s, "")
  return `${what.replace(/ token '\s'$/, " end of the line")} ${placeOf(text, offset)}`
}

const json = (text: string) =>
  Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: (cause) => new ConfigSyntaxError({ detail: explainJson(text, reasonOf(cause)) })
  })

/** The offset of the first alias that no anchor defines. */
const unknownAlias = (document: Document): number | undefined => {
  let offset: number | undefined
  visit(document, {
    Alias: (_, node) => {
      if (!isAlias(node) || node.resolve(document) !== undefined) return undefined
      offset = node.range?.[0]
      return visit.BREAK
    }
  })
  return offset
}

const yaml = Effect.fnUntraced(function* (text: string) {
  const document = parseDocument(text, { lineCounter: new LineCounter(), logLevel: "silent" })
  const [error] = document.errors
  // The first line has the reason and the place; the text around it follows.
  if (error !== undefined) return yield* syntaxError(reasonOf(error).split(":\n")[0] ?? "")
  return yield* Effect.try({
    // Aliases of aliases can stand for more than the memory holds: the library bounds them.
    try: (): unknown => document.toJS({ maxAliasCount: 100 }),
    catch: (cause) => {
      const offset = unknownAlias(document)
      const place = offset === undefined ? "" : ` ${placeOf(text, offset)}`
      return new ConfigSyntaxError({ detail: `${reasonOf(cause)}${place}` })
    }
  })
})

const toml = (text: string) =>
  Effect.fromResult(Toml.parse(text)).pipe(
    Effect.mapError((error) => new ConfigSyntaxError({ detail: reasonOf(error) }))
  )

const parsers: Readonly<Record<string, (text: string) => Effect.Effect<unknown, ConfigSyntaxError>>> = {
  toml,
  json,
  yaml,
  yml: yaml
}

/**
 * The parser for a file name's ending (without the dot). It drops a byte order mark, and fails with reason and place.
 */
export const parserOf = (ending: string) => {
  const parse = Object.hasOwn(parsers, ending) ? parsers[ending] : undefined
  return parse === undefined ? undefined : (text: string) => parse(text.replace(/^\uFEFF/, ""))
}
