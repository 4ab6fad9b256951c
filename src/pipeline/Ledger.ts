import { Schema, SchemaGetter } from "effect"
import { ImageFault } from "./Images.ts"
import { Part } from "./Part.ts"

/**
 * Why a row is not among the samples. A fault of the data is refused, and counts against `data.maxRefused`; what the
 * configuration chose to leave out is no refusal, and does not.
 */
export const Fault = Schema.Literals([
  "malformed",
  "missingId",
  "missingLabel",
  "unknownPart",
  "duplicateId",
  ...ImageFault.literals
])
export const Choice = Schema.Literals(["labelNotAllowed", "classTooSmall", "overLimit"])
export const Reason = Schema.Literals([...Fault.literals, ...Choice.literals])
export type Reason = typeof Reason.Type

/** One row that is not among the samples, as `ledger.jsonl` has it, a line each. */
export const Refusal = Schema.Struct({
  /** Line of the list, from 1 (a CSV's header); of Parquet the row, of class folders the image, from 1. */
  line: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  reason: Reason,
  id: Schema.optionalKey(Schema.String),
  label: Schema.optionalKey(Schema.String),
  /** The row's own text, where it could not be read as a row. */
  text: Schema.optionalKey(Schema.String),
  detail: Schema.String,
  /** Of a sample that left during the run: the part that it was of, and the epoch, from 1; see `Lost`. */
  part: Schema.optionalKey(Part),
  epoch: Schema.optionalKey(Schema.Natural)
})
export type Refusal = typeof Refusal.Type

/** What became of every row, at any time of a run: `listed = kept + refused + left out`. */
export interface Ledger {
  readonly listed: number
  readonly kept: number
  /** The rows that are not among the samples: faults and choices, by line. */
  readonly refusals: ReadonlyArray<Refusal>
}

const faults: ReadonlySet<Reason> = new Set(Fault.literals)

/** Whether a reason is the data's fault; the others are choices of the configuration. */
export const isFault = (reason: Reason): boolean => faults.has(reason)

/** A row that was read well, refused later on. */
export const refuse = (
  row: { readonly line: number; readonly id: string; readonly label: string },
  reason: Reason,
  detail: string
): Refusal => ({ line: row.line, reason, id: row.id, label: row.label, detail })

/** How many rows each reason took, in the order of `Reason`; a reason that took none is left out. */
export const countByReason = (refusals: ReadonlyArray<Refusal>): Readonly<Partial<Record<Reason, number>>> => {
  const counts = new Map<Reason, number>()
  for (const { reason } of refusals) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return Object.fromEntries(
    Reason.literals.flatMap((reason) => {
      const count = counts.get(reason)
      return count === undefined ? [] : [[reason, count] as const]
    })
  )
}

/** Counts by reason, those of faults apart from those of choices. Reports of Weft 0.1 have both under `refused`. */
export const byKind = (counts: Readonly<Record<string, number>>) => {
  const entries = Object.entries(counts)
  const isChoice = (reason: string) => Schema.is(Choice)(reason)
  return {
    refused: Object.fromEntries(entries.filter(([reason]) => !isChoice(reason))),
    leftOut: Object.fromEntries(entries.filter(([reason]) => isChoice(reason)))
  }
}

/** A ledger as counts: `listed` is `kept`, and the sums of `refused` and of `leftOut`. */
export const ledgerCounts = ({ kept, listed, refusals }: Ledger) => ({
  listed,
  kept,
  ...byKind(countByReason(refusals))
})

/** Rows that are refused by the data's own fault. */
export const countFaults = (refusals: ReadonlyArray<Refusal>): number =>
  refusals.reduce((count, { reason }) => count + (isFault(reason) ? 1 : 0), 0)

/** Share of the listed rows that are faulty, from 0 to 1; 0 where nothing was listed. */
export const shareOfFaults = (ledger: Pick<Ledger, "listed" | "refusals">): number =>
  ledger.listed === 0 ? 0 : countFaults(ledger.refusals) / ledger.listed

/** A refusal as one line of `ledger.jsonl`, without its line break, and back. */
export const RefusalLine = Schema.fromJsonString(Refusal)

/** All refusals as the text of `ledger.jsonl`: one JSON document a line, each with a line break. */
export const RefusalLines = Schema.String.pipe(
  Schema.decodeTo(Schema.Array(RefusalLine), {
    decode: SchemaGetter.transform((text: string) => text.split("\n").filter((line) => line !== "")),
    encode: SchemaGetter.transform((lines: ReadonlyArray<string>) => lines.map((line) => `${line}\n`).join(""))
  })
)
