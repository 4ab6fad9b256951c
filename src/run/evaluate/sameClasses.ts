import { Effect } from "effect"
import type { LabelColumn } from "../../pipeline/LabelColumn.ts"
import { placedColumns } from "../../pipeline/LabelColumn.ts"
import { RunError } from "../RunError.ts"

/** A run, and its classes' names in an order of its own. */
export interface Labelled {
  readonly run: string
  readonly labels: ReadonlyArray<string>
}

const named = (run: string, labels: ReadonlyArray<string>) =>
  labels.length === 0 ? [] : [`only ${run} has ${labels.join(", ")}`]

/**
 * The index of each class of one run among those of another, which must be the same, in any order.
 *
 * Fails with a RunError of the other run that names the classes that only one of them has.
 */
export const sameClasses = Effect.fnUntraced(function* (first: Labelled, other: Labelled) {
  const missing = first.labels.filter((label) => !other.labels.includes(label))
  const added = other.labels.filter((label) => !first.labels.includes(label))
  if (missing.length + added.length > 0)
    return yield* new RunError({
      run: other.run,
      detail:
        `its classes differ from those of ${first.run}: ` +
        `${[...named(first.run, missing), ...named(other.run, added)].join("; ")}. ` +
        "Runs can be applied together only if they have the same classes: leave one of them out, or train it again on the other's"
    })
  return Int32Array.from(first.labels, (label) => other.labels.indexOf(label))
})

/** A run, and its label columns. */
export interface WithColumns {
  readonly run: string
  readonly columns: ReadonlyArray<LabelColumn>
}

/**
 * The index of each class of all label columns of one run, one column after the other, among those of another, which must
 * have the same columns with the same classes, both in any order.
 *
 * Fails with a RunError of the other run that names the columns or the classes that only one of them has.
 */
export const sameColumns = Effect.fnUntraced(function* (first: WithColumns, other: WithColumns) {
  const textOf = ({ columns }: WithColumns) => columns.map(columnText).toSorted().join(", ")
  if (textOf(first) !== textOf(other))
    return yield* new RunError({
      run: other.run,
      detail:
        `its label columns differ from those of ${first.run}: ` +
        `${first.run} has ${textOf(first)}, and ${other.run} has ${textOf(other)}. ` +
        "Runs can be applied together only if they have the same label columns: leave one of them out, or train it again on the other's"
    })
  const there = new Map(placedColumns(other.columns).map((column) => [column.name, column]))
  const orders = yield* Effect.forEach(first.columns, ({ classes, name }) => {
    const { classes: labels = [], from = 0 } = there.get(name) ?? {}
    const of = (run: string) => (first.columns.length === 1 ? run : `${run} (${name})`)
    return Effect.map(sameClasses({ run: of(first.run), labels: classes }, { run: of(other.run), labels }), (indexes) =>
      Array.from(indexes, (index) => from + index)
    )
  })
  return Int32Array.from(orders.flat())
})

const columnText = ({ name, values }: LabelColumn): string =>
  JSON.stringify(name) + (values === "several" ? " (several values)" : "")
