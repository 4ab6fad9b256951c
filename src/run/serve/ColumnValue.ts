import { Schema } from "effect"
import { evenThreshold } from "../../metrics/multilabel.ts"
import { byCodePoint } from "../../pipeline/hashOrder.ts"

/** A share or a probability, from 0 to 1. */
export const Unit = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/**
 * Text on one line of valid Unicode: PostgreSQL keeps no NUL, UTF-8 has no lone surrogates, a CSV's row no line break.
 */
export const lineOf = (longest: number) =>
  Schema.String.check(
    Schema.isPattern(/^[^\p{Cc}\p{Cs}]+$/u, { expected: "text without line breaks and control characters" }),
    Schema.isMaxLength(longest)
  )

/** The name of a class. Anything that one line can hold is data: `<b>` and `'; DROP TABLE` are names like others. */
export const Label = Schema.Trim.pipe(Schema.decodeTo(lineOf(200)))
export type Label = typeof Label.Type

/** A label column's name, as the catalogue's header has it. */
export const Column = lineOf(200)

/** Most values of one cell. */
const mostValues = 500

/**
 * What somebody answered in a label column: a class; in a column with several values, the list of all classes that apply.
 * The empty list says that none does.
 */
export const Value = Schema.Union([Label, Schema.Array(Label).check(Schema.isMaxLength(mostValues))])
export type Value = typeof Value.Type

/** What one column holds; null: nothing (not answered, or skipped). */
export const ColumnValue = Schema.Struct({ column: Column, value: Schema.NullOr(Value) })
export type ColumnValue = typeof ColumnValue.Type

/** A class, and the model's calibrated probability of it. */
export const Ranked = Schema.Struct({
  label: Label,
  probability: Unit,
  /**
   * In a column with several values alone: from which probability on the class applies, as the validation part chose
   * it.
   */
  threshold: Schema.optionalKey(Unit)
})
export type Ranked = typeof Ranked.Type

/** The values of a list as they are kept and compared: each once, by code point, so that equal sets are equal lists. */
const inOrder = (labels: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(labels)].sort(byCodePoint)

/**
 * A value as one text, so that a database can compare it: a class's name, or a list as JSON. Equal sets have equal
 * texts.
 */
export const textOf = (value: Value): string => (typeof value === "string" ? value : JSON.stringify(inOrder(value)))

const List = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Schema.String)))

/** The value of a text that `textOf` made; `several` says which kind of column it is of. */
export const valueOf = (text: string, several: boolean): Value => (several ? List(text) : text)

/** The same of a column that may hold nothing. */
export const valueIn = (text: string | null, several: boolean): Value | null =>
  text === null ? null : valueOf(text, several)

/** The classes that a value names. */
export const labelsOf = (value: Value): ReadonlyArray<string> => (typeof value === "string" ? [value] : value)

const applies = ({ probability, threshold = evenThreshold }: Ranked) => probability >= threshold

/** Whether suggestions are of a column with several values: each class has its threshold then. */
const isOfSeveral = ([first]: ReadonlyArray<Ranked>) => first?.threshold !== undefined

/** What a model suggests: its first class; in a column with several values all classes that reach their thresholds. */
export const suggestedValue = (top: readonly [Ranked, ...ReadonlyArray<Ranked>]): Value =>
  isOfSeveral(top) ? inOrder(top.filter(applies).map(({ label }) => label)) : top[0].label

/**
 * How sure a model is of what it suggests: the first class's probability. Of a set it is that of its least sure class,
 * whether it applies or not: a set is right when all of it is.
 */
export const certaintyOf = (top: readonly [Ranked, ...ReadonlyArray<Ranked>]): number =>
  isOfSeveral(top)
    ? Math.min(...top.map((one) => (applies(one) ? one.probability : 1 - one.probability)))
    : top[0].probability

/** What a model takes for the next likely: the second class; of a set, the same set but for its least sure class. */
export const runnerUpOf = (top: readonly [Ranked, ...ReadonlyArray<Ranked>]): number =>
  isOfSeveral(top) ? 1 - certaintyOf(top) : (top[1]?.probability ?? 0)
