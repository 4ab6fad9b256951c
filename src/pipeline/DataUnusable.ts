import { Schema } from "effect"
import * as Runtime from "effect/Runtime"
import type { Refusal } from "./Ledger.ts"
import { byCause, countByReason, countFaults, isFault, reasonsText, reasonWords, rowsText } from "./Ledger.ts"

/** The catalogue can be read, but not be trained on: what was found, and what to do. Exit code 3. */
export class DataUnusable extends Schema.TaggedError<DataUnusable>()("DataUnusable", {
  reason: Schema.Literals([
    "tooManyRefused",
    "unknownLabel",
    "limitTooSmall",
    "noClasses",
    "classNameTaken",
    "oneClass",
    "noTraining",
    "noGroups",
    "tooFewTimes",
    "imagesMissing"
  ]),
  detail: Schema.String,
  cure: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 3
  override get message() {
    return this.detail.endsWith("\n") ? this.detail + this.cure : `${this.detail}. ${this.cure}`
  }
}

/** A whole number as people read it: 40,116. */
export const count = (n: number): string => n.toLocaleString("en-US")

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`

/** Causes that are named. */
const shown = 10

/** What is wrong with a catalogue's rows, each cause once, a line each. */
const causesText = (faulty: ReadonlyArray<Refusal>, unit: string): string => {
  const causes = byCause(faulty)
  const more = causes.length - shown
  return [
    ...causes
      .slice(0, shown)
      .map((cause) => `  ${rowsText(cause, unit)}: ${reasonWords(cause.reason)}: ${cause.detail}`),
    ...(more > 0 ? [`  and ${count(more)} more`] : [])
  ].join("\n")
}

/**
 * The failure budget is spent: the share, the bound, the counts, and the first ten causes. `unit` is what a row's number
 * counts (`unitOf`).
 */
export const tooManyRefused = (
  file: string,
  listed: number,
  refusals: ReadonlyArray<Refusal>,
  maxRefused: number,
  unit = "line"
): DataUnusable => {
  const faulty = refusals.filter(({ reason }) => isFault(reason))
  return new DataUnusable({
    reason: "tooManyRefused",
    detail:
      `${file}: at least ${count(faulty.length)} of the ${count(listed)} listed rows are faulty ` +
      `(${percent(faulty.length / listed)}; \`data.maxRefused\` allows ${percent(maxRefused)}): ` +
      `${reasonsText(countByReason(faulty))}\n${causesText(faulty, unit)}\n`,
    cure: byCause(faulty).every(({ detail }) => detail.startsWith("there is no folder"))
      ? "Bring the photos there, or correct `data.images`."
      : "Correct these rows, or allow more of them with `data.maxRefused`."
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
  maxRefused: number,
  unit = "line"
): DataUnusable | undefined =>
  isBudgetSpent(listed, countFaults(refusals), maxRefused)
    ? tooManyRefused(file, listed, refusals, maxRefused, unit)
    : undefined

/**
 * The training data have only one class: a network has nothing to learn. `column` is the label column where there are
 * several.
 */
export const oneClass = (label: string, images: number, column?: string): DataUnusable =>
  new DataUnusable({
    reason: "oneClass",
    detail:
      `All ${count(images)} usable images are of one class, ${JSON.stringify(label)}` +
      (column === undefined ? "" : `, in the column ${JSON.stringify(column)}`),
    cure:
      column === undefined
        ? "A classifier needs two or more: is `data.columns.label` the right column? See `data.labels` and `data.minPerClass` too, and pipeline:inspect."
        : "A label column needs two or more: leave it out of `data.columns.label`, or give it a smaller `minPerClass` there; see pipeline:inspect."
  })
