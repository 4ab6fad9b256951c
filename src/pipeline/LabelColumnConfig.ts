import { Schema } from "effect"
import { between, intBetween } from "../config/Setting.ts"
import { HeadLayers } from "./HeadLayers.ts"

const text = (description: string) => Schema.NonEmptyString.annotate({ description })

/** A label column with settings of its own. */
const LabelColumnTable = Schema.Struct({
  column: text("The column's name"),
  separator: Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/\S|^[ \t]$/u, { expected: "a character or more, such as `;`, or one space or tab" })
    ).annotate({
      description:
        "What divides the values of a cell, where it has several, each of which applies or not: `;` of `red;cotton`. A list of JSON lines or Parquet is taken as it is"
    })
  ),
  weight: Schema.optionalKey(
    between(0.001, 1000).annotate({
      description: "The factor of its loss in the sum of all columns' losses; 1 where left out"
    })
  ),
  head: Schema.optionalKey(
    HeadLayers.annotate({
      description: "What its classes come from; as `network.head` where left out"
    })
  ),
  minPerClass: Schema.optionalKey(
    intBetween(3, 1_000_000).annotate({ description: "As `data.minPerClass`, which is meant where left out" })
  ),
  parent: Schema.optionalKey(
    text("Another label column of the list, with coarser classes: an unsure prediction answers with the class there")
  )
})

/** A label column as a configuration has it. */
export type LabelColumnConfig = typeof LabelColumnTable.Type

const Entry = Schema.Union([Schema.NonEmptyString, LabelColumnTable]).annotate({
  expected: "a column's name, or a table of `column` and what is particular to it"
})

const tableOf = (entry: typeof Entry.Type): LabelColumnConfig => (typeof entry === "string" ? { column: entry } : entry)

/** The first name that occurs a second time. */
const twice = (names: ReadonlyArray<string>): string | undefined =>
  names.find((name, index) => names.indexOf(name) < index)

/** Whether the parents of a column, one after the other, never end. */
const isCircle = (columns: ReadonlyArray<LabelColumnConfig>, start: LabelColumnConfig): boolean => {
  const parentOf = new Map(columns.map(({ column, parent }) => [column, parent]))
  let at = start.parent
  for (let steps = 0; at !== undefined; steps++) {
    if (steps >= columns.length) return true
    at = parentOf.get(at)
  }
  return false
}

/** What is wrong with a list of label columns; undefined where nothing is. */
const faultOf = (columns: ReadonlyArray<LabelColumnConfig>): string | undefined => {
  const names = columns.map(({ column }) => column)
  const repeated = twice(names)
  if (repeated !== undefined) return `every label column once; ${JSON.stringify(repeated)} stands there twice`
  const byName = new Map(columns.map((one) => [one.column, one]))
  for (const one of columns) {
    const { column, parent, separator } = one
    if (parent === undefined) continue
    const shown = `the parent of ${JSON.stringify(column)}`
    const other = byName.get(parent)
    if (other === undefined)
      return `a label column of the list as ${shown}, which is ${JSON.stringify(parent)}; there are ${names.map((name) => JSON.stringify(name)).join(", ")}`
    if (separator !== undefined || other.separator !== undefined)
      return `columns with one value where there is a \`parent\`; ${JSON.stringify(separator === undefined ? parent : column)} has a \`separator\``
    if (isCircle(columns, one))
      return `parents that end with a column without one; those of ${JSON.stringify(column)} go round in a circle`
  }
  return undefined
}

/** `data.columns.label`: a column's name, or a list of several. */
export const LabelColumns = Schema.Union([Schema.NonEmptyString, Schema.NonEmptyArray(Entry)])
  .annotate({ expected: 'a column, or a list of columns such as ["articleType", "baseColour"]' })
  .check(
    Schema.makeFilter((label) => {
      const fault = typeof label === "string" ? undefined : faultOf(label.map(tableOf))
      return fault === undefined ? undefined : `Expected ${fault}`
    })
  )
export type LabelColumns = typeof LabelColumns.Type

/** The label columns of a catalogue, one at least; a name alone is one without settings of its own. */
export const labelColumnsOf = ({
  columns: { label }
}: {
  readonly columns: { readonly label: LabelColumns }
}): readonly [first: LabelColumnConfig, ...others: ReadonlyArray<LabelColumnConfig>] => {
  if (typeof label === "string") return [{ column: label }]
  const [first, ...others] = label
  return [tableOf(first), ...others.map(tableOf)]
}

/** Whether a catalogue has one label column with one value in each cell. */
export const hasOneLabel = (columns: ReadonlyArray<Pick<LabelColumnConfig, "separator">>): boolean =>
  columns.length === 1 && columns[0]?.separator === undefined
