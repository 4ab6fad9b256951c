import { Effect, Schema } from "effect"

/** Annotations of the schema and of the key: a schema with checks keeps its own to the last check. */
const describe = (schema: Schema.Top, annotations: { readonly description: string; readonly default?: unknown }) =>
  schema.annotate(annotations).annotateKey(annotations)

/**
 * A key of the configuration: its schema, the value that it has when it is left out, and what it means.
 *
 * The description and the default are annotations, from which the reference (docs/reference) is generated.
 */
export const setting = <S extends Schema.Top>(schema: S, byDefault: S["Encoded"], description: string) =>
  // Annotations change nothing of a schema's type; `annotate` only cannot say so for an open type parameter.
  (describe(schema, { description, default: byDefault }) as S).pipe(
    Schema.withDecodingDefaultKey<S>(Effect.succeed(byDefault))
  )

/** A key of the configuration that must be there where its section is. */
export const required = <S extends Schema.Top>(schema: S, description: string) =>
  // As for `setting`.
  describe(schema, { description }) as S

/** A key of the configuration that may be left out and then means "off" or "all". */
export const optionalSetting = <S extends Schema.Top>(schema: S, description: string) =>
  // As for `setting`.
  Schema.optionalKey(describe(schema, { description }) as S)

/** A whole number between two bounds, both allowed. */
export const intBetween = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** A finite number between two bounds, both allowed. */
export const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))

/** A share of a whole, from 0 to 1. */
export const Share = between(0, 1)
