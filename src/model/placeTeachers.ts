import { Effect } from "effect"
import { elementAt } from "../pipeline/elementAt.ts"
import type { LabelColumn } from "../pipeline/LabelColumn.ts"
import type { Teacher } from "./TeacherConfig.ts"
import type { TeacherModel } from "./TeacherModel.ts"
import { TeacherError } from "./TeacherModel.ts"

/** A teacher with where its logits are what the student learns. */
export interface PlacedTeacher extends TeacherModel {
  /**
   * For each of the student's label columns, the place of each of its classes among the teacher's logits; undefined where
   * the teacher does not have the column.
   */
  readonly places: ReadonlyArray<Int32Array | undefined>
}

const quoted = (names: ReadonlyArray<string>): string => {
  const shown = names.slice(0, 10).map((name) => JSON.stringify(name))
  return names.length > shown.length ? `${shown.join(", ")} and ${names.length - shown.length} more` : shown.join(", ")
}

const missingIn = (teacher: LabelColumn, { classes }: LabelColumn): ReadonlyArray<string> => {
  const there = new Set(teacher.classes)
  return classes.filter((name) => !there.has(name))
}

/** Which of the student's columns each of a teacher's is, or why that cannot be said. */
const pairsOf = (
  { columns: own, isNamed }: TeacherModel,
  columns: ReadonlyArray<LabelColumn>,
  named: string | undefined
): ReadonlyArray<number | undefined> | string => {
  if (own.length === 1 && columns.length === 1) return [0]
  if (isNamed) {
    const found = columns.map(({ name }) => own.findIndex((column) => column.name === name))
    const pairs = own.map((_, index) => found.indexOf(index)).map((at) => (at < 0 ? undefined : at))
    return pairs.some((at) => at !== undefined)
      ? pairs
      : `it has the label columns ${quoted(own.map(({ name }) => name))}, and the run has ${quoted(columns.map(({ name }) => name))}: name a teacher that knows one of these`
  }
  if (named !== undefined) {
    const at = columns.findIndex(({ name }) => name === named)
    return at >= 0
      ? [at]
      : `\`train.teacher.column\` is ${JSON.stringify(named)}, and the run has the label columns ${quoted(columns.map(({ name }) => name))}: name one of these`
  }
  const only = elementAt(own, 0)
  const fits = columns.flatMap((column, at) =>
    column.values === only.values && missingIn(only, column).length === 0 ? [at] : []
  )
  const [first, ...others] = fits
  if (first !== undefined && others.length === 0) return [first]
  return first === undefined
    ? `it has one column, of ${only.classes.length} classes, and lacks classes of each of the run's: ` +
        columns.map((column) => `of ${JSON.stringify(column.name)} ${quoted(missingIn(only, column))}`).join("; ")
    : `it has one column, whose classes are those of ${quoted(fits.map((at) => elementAt(columns, at).name))}: set \`train.teacher.column\` to the one that it knows`
}

const placeOne = Effect.fnUntraced(function* (
  teacher: TeacherModel,
  columns: ReadonlyArray<LabelColumn>,
  named: string | undefined
) {
  const fail = (detail: string) => Effect.fail(new TeacherError({ source: teacher.source, detail }))
  const pairs = pairsOf(teacher, columns, named)
  if (typeof pairs === "string") return yield* fail(pairs)
  const places: Array<Int32Array | undefined> = columns.map(() => undefined)
  for (const [index, at] of pairs.entries()) {
    if (at === undefined) continue
    const [own, column] = [elementAt(teacher.columns, index), elementAt(columns, at)]
    const name = columns.length === 1 ? "" : `, of the column ${JSON.stringify(column.name)}`
    if (own.values !== column.values)
      return yield* fail(
        `it knows ${own.values === "one" ? "one value" : "several values"} of a photo${name}, and the run has ${column.values === "one" ? "one" : "several"}: name a teacher that was trained on such a column`
      )
    const missing = missingIn(own, column)
    if (missing.length > 0)
      return yield* fail(
        `it does not know ${missing.length} of the run's classes${name}: ${quoted(missing)}. Name a teacher that knows them, or leave their rows out (\`data.labels\`)`
      )
    const placeOf = new Map(own.classes.map((label, c) => [label, own.from + c]))
    // The classes that are missing were refused above, so that -1 does not occur.
    places[at] = Int32Array.from(column.classes, (label) => placeOf.get(label) ?? -1)
  }
  return { ...teacher, places } satisfies PlacedTeacher
})

/** The teachers of a run, once its label columns are known: fails where one does not know all classes of a column. */
export const placeTeachers = Effect.fn("placeTeachers")(function* (
  teachers: ReadonlyArray<TeacherModel>,
  columns: ReadonlyArray<LabelColumn>,
  { column }: Pick<Teacher, "column">
) {
  return yield* Effect.forEach(teachers, (teacher) => placeOne(teacher, columns, column))
})
