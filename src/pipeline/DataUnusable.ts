import { Schema } from "effect"
import * as Runtime from "effect/Runtime"
import type { Refusal } from "./Ledger.ts"
import { countByReason, countFaults, isFault } from "./Ledger.ts"

/** The catalogue can be read, but not be trained on: what was found, and what to do. Exit code 3. */
export class DataUnusable extends Schema.TaggedError<DataUnusable>()("DataUnusable", {
  reason: Schema.Literals([
    "tooManyRefused",
    "unknownLabel",
    "limitTooSmall",
    "noClasses",
    "oneClass",
    "noTraining",
    "imagesMissing"
  ]),
  detail: Schema.String,
  cure: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 3
  override get message() {
    return `${this.detail}. ${this.cure}`
  }
}

/** A whole number as people read it: 40,116. */
export const count = (n: number): string => n.toLocaleString("en-US")

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`

/** Counts by reason, for a sentence: "malformed 22, imageMissing 4". */
export const reasonsInWords = (refusals: ReadonlyArray<Refusal>): string =>
  Object.entries(countByReason(refusals))
    .map(([reason, n]) => `${reason} ${count(n)}`)
    .join(", ")

const shown = 10

/** Faulty rows with what is wrong with them, said once for rows that follow each other. */
const rowsInWords = (rows: ReadonlyArray<Refusal>): string => {
  const groups: Array<{ readonly cause: string; readonly lines: Array<string> }> = []
  for (const { detail, id, line, reason } of rows) {
    const cause = `${reason}, ${detail}`
    const named = `${line}${id === undefined ? "" : ` (id ${id})`}`
    const last = groups.at(-1)
    if (last?.cause === cause) last.lines.push(named)
    else groups.push({ cause, lines: [named] })
  }
  return groups
    .map(({ cause, lines }) => `${lines.length === 1 ? "line" : "lines"} ${lines.join(", ")}: ${cause}`)
    .join("; ")
}

/** The failure budget is spent: the share, the bound, the counts, and the first ten faulty rows. */
export const tooManyRefused = (
  file: string,
  listed: number,
  refusals: ReadonlyArray<Refusal>,
  maxRefused: number
): DataUnusable => {
  const faulty = refusals.filter(({ reason }) => isFault(reason))
  const first = faulty.slice(0, shown)
  return new DataUnusable({
    reason: "tooManyRefused",
    detail:
      `${file}: at least ${count(faulty.length)} of the ${count(listed)} listed rows are faulty ` +
      `(${percent(faulty.length / listed)}; \`data.maxRefused\` allows ${percent(maxRefused)}). ` +
      `By reason: ${reasonsInWords(faulty)}. The first ${first.length}: ${rowsInWords(first)}`,
    cure: "Mend these rows, or allow more of them with `data.maxRefused`."
  })
}

/** Whether more rows are faulty than `data.maxRefused` allows, whatever the rows still to come are. */
export const isBudgetSpent = (listed: number, faulty: number, maxRefused: number): boolean =>
  faulty > maxRefused * listed

/** The catalogue's failure when its budget is spent, or none. */
export const checkBudget = (
  file: string,
  listed: number,
  refusals: ReadonlyArray<Refusal>,
  maxRefused: number
): DataUnusable | undefined =>
  isBudgetSpent(listed, countFaults(refusals), maxRefused)
    ? tooManyRefused(file, listed, refusals, maxRefused)
    : undefined

/** What is to be trained on has one class: whatever a network learned, it would be right. */
export const oneClass = (label: string, images: number): DataUnusable =>
  new DataUnusable({
    reason: "oneClass",
    detail: `All ${count(images)} images that can be used are of one class, ${JSON.stringify(label)}`,
    cure: "A classifier needs two or more: is `data.columns.label` the right column? See `data.labels` and `data.minPerClass` too, and pipeline:inspect."
  })
