import { Result } from "effect"
import { nearest } from "../config/nearest.ts"
import { count, DataUnusable } from "./DataUnusable.ts"
import type { Refusal } from "./Ledger.ts"
import { refuse } from "./Ledger.ts"
import type { Row } from "./Row.ts"

/** The result of a rule: every row is either kept or refused. */
export interface Filtered<A extends Row = Row> {
  readonly kept: ReadonlyArray<A>
  readonly refusals: ReadonlyArray<Refusal>
}

/** How many rows each label has, in the order of first occurrence. */
export const countLabels = (rows: ReadonlyArray<{ readonly label: string }>): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const { label } of rows) counts.set(label, (counts.get(label) ?? 0) + 1)
  return counts
}

const partition = <A extends Row>(rows: ReadonlyArray<A>, refusalOf: (row: A) => Refusal | undefined): Filtered<A> => {
  const kept: Array<A> = []
  const refusals: Array<Refusal> = []
  for (const row of rows) {
    const refusal = refusalOf(row)
    if (refusal === undefined) kept.push(row)
    else refusals.push(refusal)
  }
  return { kept, refusals }
}

/** Refuses the second and any later row of an id: `duplicateId`. `unit` is what a row's number counts (`unitOf`). */
export const dropDuplicates = (rows: ReadonlyArray<Row>, unit = "line"): Filtered => {
  const lines = new Map<string, number>()
  return partition(rows, (row) => {
    const line = lines.get(row.id)
    if (line === undefined) lines.set(row.id, row.line)
    return line === undefined ? undefined : refuse(row, "duplicateId", `the id is on ${unit} ${line} already`)
  })
}

/**
 * Refuses the rows whose label is not among `data.labels`: `labelNotAllowed`. Without such a list all are kept.
 *
 * Fails where a label of the list never occurs, as a mistyped one would silently be left out.
 */
export const keepLabels = (
  rows: ReadonlyArray<Row>,
  labels: ReadonlyArray<string> | undefined
): Result.Result<Filtered, DataUnusable> => {
  if (labels === undefined) return Result.succeed({ kept: rows, refusals: [] })
  const found = countLabels(rows)
  const absent = labels.filter((label) => !found.has(label))
  if (absent.length > 0) return Result.fail(unknownLabels(absent, [...found.keys()]))
  const allowed = new Set(labels)
  return Result.succeed(
    partition(rows, (row) =>
      allowed.has(row.label) ? undefined : refuse(row, "labelNotAllowed", "the label is not in `data.labels`")
    )
  )
}

const unknownLabels = (absent: ReadonlyArray<string>, found: ReadonlyArray<string>): DataUnusable => {
  const named = absent.map((label) => {
    const similar = nearest(label, found)
    return `${JSON.stringify(label)}${similar === undefined ? "" : ` (did you mean ${JSON.stringify(similar)}?)`}`
  })
  const first = found.slice(0, 10).map((label) => JSON.stringify(label))
  const more = found.length > first.length ? ` and ${count(found.length - first.length)} more` : ""
  return new DataUnusable({
    reason: "unknownLabel",
    detail:
      `No row has the ${absent.length === 1 ? "label" : "labels"} ${named.join(", ")} of \`data.labels\`. ` +
      `Labels found: ${first.join(", ")}${more}`,
    cure: "Correct `data.labels`, or leave it out to take every label."
  })
}

/**
 * Refuses the rows of a class that has fewer than `least` of them: `classTooSmall`. A row that people corrected counts for
 * both classes: a correction makes none too small that was large enough.
 */
export const keepLargeClasses = <A extends Row>(
  rows: ReadonlyArray<A>,
  least: number,
  explain: (rows: number) => string
): Filtered<A> => {
  const counts = countLabels(
    rows.flatMap(({ label, was }) => (typeof was === "string" ? [{ label }, { label: was }] : [{ label }]))
  )
  return partition(rows, (row) => {
    const rows = counts.get(row.label) ?? 0
    return rows < least ? refuse(row, "classTooSmall", explain(rows)) : undefined
  })
}

/**
 * Gives all rows of classes with fewer than `least` one label, `name`, where `data.rare` asks for that. The merged class has
 * to be as large as any other: see `keepLargeClasses`.
 *
 * Fails where a class of that name exists already, as its rows could no longer be told from the merged ones.
 */
export const mergeRareClasses = <A extends Row>(
  rows: ReadonlyArray<A>,
  least: number,
  name: string
): Result.Result<ReadonlyArray<A>, DataUnusable> => {
  const counts = countLabels(rows)
  const label = name.trim()
  const taken = counts.get(label)
  if (taken !== undefined)
    return Result.fail(
      new DataUnusable({
        reason: "classNameTaken",
        detail: `\`data.rare\` is to name the merged class ${JSON.stringify(label)}, and there is a class of that name with ${count(taken)} rows`,
        cure: "Choose another name."
      })
    )
  return Result.succeed(rows.map((row) => ((counts.get(row.label) ?? 0) < least ? { ...row, label } : row)))
}
