import { Effect, Option } from "effect"
import { ConfigError } from "../config/RunConfig.ts"
import { begin, pathOf } from "./begin.ts"
import * as options from "./options.ts"
import type { PlainValues } from "./plainFlags.ts"
import { given } from "./plainFlags.ts"
import { changedConfig, readConfig } from "./readConfig.ts"

/** What a command line says of a configuration. */
export interface Asked {
  /** A catalogue that is looked at. */
  readonly path: Option.Option<string>
  /** A configuration's file. */
  readonly file: Option.Option<string>
  readonly values: PlainValues
  readonly sets: ReadonlyArray<string>
}

/**
 * The configuration of a file, or of what lies at a path; `lines` say what a path was taken for, and the plan that follows
 * from it. They are there only where all values hold.
 */
export const newConfig = Effect.fn("newConfig")(function* ({ file, path: argument, sets, values }: Asked) {
  if (Option.isSome(argument) && Option.isSome(file))
    return yield* new ConfigError({
      where: `${argument.value} --config ${file.value}`,
      problems: [
        `${argument.value} alone would be looked at and taken with defaults, and --config ${file.value} says all itself: ` +
          `leave one out. Where that configuration's catalogue lies: --data DIR`
      ]
    })
  const flags = given(values)
  const path = yield* pathOf(argument, values.data)
  if (Option.isSome(file) || Option.isNone(path)) {
    const config = yield* readConfig(
      Option.getOrElse(file, () => options.defaultConfig),
      sets,
      flags
    )
    return { config, lines: [] }
  }
  const begun = yield* begin(path.value, values, flags, sets)
  const { config } = yield* changedConfig(begun.config, path.value, sets, flags)
  return { config, lines: begun.lines }
})
