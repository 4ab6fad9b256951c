import { Effect, Option, Path, Schema } from "effect"
import { ConfigError } from "../config/RunConfig.ts"
import { beginCatalogue } from "../run/begin/beginCatalogue.ts"
import { LabelColumns } from "../pipeline/LabelColumnConfig.ts"
import type { PlainFlag, PlainValues } from "./plainFlags.ts"
import { columnsNamed, refuseContradictions } from "./plainFlags.ts"

/** The value that the last `--set` of a key has; undefined where there is none. */
const setTo = (sets: ReadonlyArray<string>, key: string): string | undefined => {
  const found = sets.findLast((one) => one.startsWith(`${key}=`))
  return found?.slice(key.length + 1).replace(/^"(.*)"$/, "$1")
}

const decodeColumns = Schema.decodeOption(Schema.fromJsonString(LabelColumns))

/** The label columns that a `--set` names; a text that is no list is one column's name. */
const columnsOfSet = (set: string): LabelColumns => Option.getOrElse(decodeColumns(set), () => set)

/**
 * The table of a run on the catalogue at a path, as its files and the command line have it, and what to say of it; without
 * what `--set` changes but for what the defaults depend on.
 */
export const begin = Effect.fn("begin")(function* (
  path: string,
  values: PlainValues,
  flags: ReadonlyArray<PlainFlag>,
  sets: ReadonlyArray<string>
) {
  const { resolve } = yield* Path.Path
  yield* refuseContradictions(flags, sets)
  const weights = setTo(sets, "network.weights")
  const set = setTo(sets, "data.columns.label")
  return yield* beginCatalogue(path, {
    label: Option.match(values.label, {
      onNone: () => (set === undefined ? undefined : columnsOfSet(set)),
      onSome: columnsNamed
    }),
    epochs: Option.getOrUndefined(values.epochs),
    size: Option.getOrUndefined(values.size),
    network: Option.getOrUndefined(values.network) ?? setTo(sets, "network.name"),
    urls: sets.some((one) => /^data\.urls[.=]/.test(one)),
    weights: weights === undefined || weights.startsWith("hf:") ? weights : resolve(weights),
    resolve: (one) => resolve(one)
  })
})

/** The path that the command line names, as an argument or by --data. */
export const pathOf = (argument: Option.Option<string>, data: Option.Option<string>) => {
  if (Option.isSome(argument) && Option.isSome(data) && argument.value !== data.value)
    return Effect.fail(
      new ConfigError({
        where: `${argument.value} --data ${data.value}`,
        problems: ["these are two catalogues, and one is trained on: leave one out"]
      })
    )
  return Effect.succeed(Option.orElse(argument, () => data))
}
