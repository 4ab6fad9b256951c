import { Effect, Schema } from "effect"
import { Toml } from "effect/encoding"
import type { ParseError as JsonError } from "jsonc-parser"
import { parse as parseJson } from "jsonc-parser"
import { isAlias, LineCounter, parseDocument, visit } from "yaml"
import type { Document } from "yaml"

/** What is wrong with a text, and where, for a sentence. */
export class ConfigSyntaxError extends Schema.TaggedError<ConfigSyntaxError>()("ConfigSyntaxError", {
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }
}

const syntaxError = (detail: string) => Effect.fail(new ConfigSyntaxError({ detail }))

/** What the parsers say in words of their own that help nobody. */
const plainly: ReadonlyArray<readonly [theirs: RegExp, ours: string]> = [
  // A parser that calls itself for each bracket runs out of stack.
  [/^Maximum call stack size exceeded.*$/s, "its values lie too deep in each other"],
  [/^Excessive alias count.*$/s, "its aliases, followed, stand for too many values"]
]

const messageOf = (cause: unknown): string =>
  plainly.reduce(
    (message, [theirs, ours]) => message.replace(theirs, ours),
    cause instanceof Error ? cause.message : String(cause)
  )

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
    catch: (cause) => new ConfigSyntaxError({ detail: explainJson(text, messageOf(cause)) })
  })

/** Where an alias stands for nothing. */
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
  // Its first line has the reason and the place; the text around it follows.
  if (error !== undefined) return yield* syntaxError(messageOf(error).split(":\n")[0] ?? "")
  return yield* Effect.try({
    // Aliases of aliases can stand for more than the memory holds: the library bounds them.
    try: (): unknown => document.toJS({ maxAliasCount: 100 }),
    catch: (cause) => {
      const offset = unknownAlias(document)
      const place = offset === undefined ? "" : ` ${placeOf(text, offset)}`
      return new ConfigSyntaxError({ detail: `${messageOf(cause)}${place}` })
    }
  })
})

const toml = (text: string) =>
  Effect.fromResult(Toml.parse(text)).pipe(
    Effect.mapError((error) => new ConfigSyntaxError({ detail: messageOf(error) }))
  )

const parsers: Readonly<Record<string, (text: string) => Effect.Effect<unknown, ConfigSyntaxError>>> = {
  toml,
  json,
  yaml,
  yml: yaml
}

/** The parser for files of an ending, without its dot; it leaves out a byte order mark, and fails with reason and place. */
export const parserOf = (ending: string) => {
  const parse = Object.hasOwn(parsers, ending) ? parsers[ending] : undefined
  return parse === undefined ? undefined : (text: string) => parse(text.replace(/^\uFEFF/, ""))
}
