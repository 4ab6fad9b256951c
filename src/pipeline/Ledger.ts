import { Schema, SchemaGetter } from "effect"
import { ImageFault } from "./Images.ts"
import { Part } from "./Part.ts"

/**
 * Why a row is not among the samples. A row with a fault is refused, and counts against `data.maxRefused`; a row that
 * the configuration leaves out does not.
 */
export const Fault = Schema.Literals([
  "malformed",
  "missingId",
  "missingLabel",
  "unknownPart",
  "unknownTime",
  "duplicateId",
  "labelConflict",
  ...ImageFault.literals
])
export const Choice = Schema.Literals(["labelNotAllowed", "classTooSmall", "overLimit"])
export const Reason = Schema.Literals([...Fault.literals, ...Choice.literals])
export type Reason = typeof Reason.Type

/** Each reason as people read it. */
const words: Readonly<Record<string, string>> = {
  malformed: "malformed row",
  missingId: "no id",
  missingLabel: "no label",
  duplicateId: "id occurs twice",
  labelConflict: "same image with another label",
  unknownPart: "part not known",
  unknownTime: "time cannot be read",
  urlRefused: "URL not allowed",
  notFetched: "photo could not be fetched",
  imageOutside: "photo outside the data folder",
  imageMissing: "photo not found",
  imageUnreadable: "photo cannot be read",
  imageEmpty: "photo is empty",
  notAnImage: "not an image",
  imageCorrupt: "photo is damaged",
  imageUnsupported: "kind of image not supported",
  imageTooLarge: "photo too large",
  imageChanged: "photo changed since the check",
  labelNotAllowed: "label not in data.labels",
  classTooSmall: "class too small",
  overLimit: "beyond data.limit"
} satisfies Record<Reason, string>

/** A reason as people read it; one of another version of Weft as it is. */
export const reasonWords = (reason: string): string => words[reason] ?? reason

/** One row that is not among the samples, as `ledger.jsonl` has it, a line each. */
export const Refusal = Schema.Struct({
  /** Line of the list, from 1 (a CSV's header); of Parquet the row, of class folders the image, from 1. */
  line: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  reason: Reason,
  id: Schema.optionalKey(Schema.String),
  /** Of the first label column, where that has one value. */
  label: Schema.optionalKey(Schema.String),
  /** What its cells say in each of several label columns; null where a cell is empty. */
  labels: Schema.optionalKey(Schema.Array(Schema.NullOr(Schema.Array(Schema.String)))),
  /** The row's own text, where it could not be read as a row. */
  text: Schema.optionalKey(Schema.String),
  detail: Schema.String,
  /**
   * Part and epoch (from 1) of a sample that left during the run; see `Lost`. Where a run ends because too many have
   * left, they have no epoch, and resuming begins without these losses.
   */
  part: Schema.optionalKey(Part),
  epoch: Schema.optionalKey(Schema.Natural)
})
export type Refusal = typeof Refusal.Type

/** What happened to every row, at any time of a run: `listed = kept + refused + left out`. */
export interface Ledger {
  readonly listed: number
  readonly kept: number
  /** The rows that are not among the samples: faults and choices, by line, without those beyond `data.limit`. */
  readonly refusals: ReadonlyArray<Refusal>
  /** Rows beyond `data.limit`: as many as are wanted are taken, and the others are not listed one by one. */
  readonly overLimit: number
}

const faults: ReadonlySet<Reason> = new Set(Fault.literals)

/** Whether a reason is the data's fault; the others are choices of the configuration. */
export const isFault = (reason: Reason): boolean => faults.has(reason)

/** The refusal of a well-formed row. */
export const refuse = (
  row: {
    readonly line: number
    readonly id: string
    readonly label: string
    readonly labels?: ReadonlyArray<ReadonlyArray<string> | undefined>
  },
  reason: Reason,
  detail: string
): Refusal => ({
  line: row.line,
  reason,
  id: row.id,
  ...(row.label !== "" && { label: row.label }),
  ...(row.labels !== undefined && { labels: row.labels.map((values) => values ?? null) }),
  detail
})

/** How many rows have each reason, in the order of `Reason`; reasons without rows are left out. */
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
export const ledgerCounts = ({ kept, listed, overLimit, refusals }: Ledger) => ({
  listed,
  kept,
  ...byKind({ ...countByReason(refusals), ...(overLimit > 0 && { overLimit }) })
})

/** Counts by reason for a sentence, the most frequent reason first: "photo not found 360, malformed row 2". */
export const reasonsText = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, rows]) => `${reasonWords(reason)} ${rows.toLocaleString("en-US")}`)
    .join(", ")

/** The one sum of a catalogue's rows: "3,600 rows listed = 3,240 kept + 360 refused (photo not found 360)". */
export const sumText = ({
  kept,
  leftOut,
  listed,
  refused
}: {
  readonly listed: number
  readonly kept: number
  readonly refused: Readonly<Record<string, number>>
  readonly leftOut?: Readonly<Record<string, number>> | undefined
}): string => {
  const kinds = byKind({ ...refused, ...leftOut })
  const part = (name: string, counts: Readonly<Record<string, number>>) => {
    const rows = Object.values(counts).reduce((sum, n) => sum + n, 0)
    return rows === 0 ? [] : [`${rows.toLocaleString("en-US")} ${name} (${reasonsText(counts)})`]
  }
  return `${listed.toLocaleString("en-US")} rows listed = ${[
    `${kept.toLocaleString("en-US")} kept`,
    ...part("refused", kinds.refused),
    ...part("left out", kinds.leftOut)
  ].join(" + ")}`
}

/** Rows of one reason and one cause. */
export interface Cause {
  readonly reason: Reason
  readonly detail: string
  readonly rows: readonly [first: Refusal, ...more: ReadonlyArray<Refusal>]
}

/** Refusals by their cause, each once, in the order of its first row. */
export const byCause = (refusals: ReadonlyArray<Refusal>): ReadonlyArray<Cause> => {
  const causes = new Map<string, { readonly first: Refusal; readonly more: Array<Refusal> }>()
  for (const refusal of refusals) {
    const key = `${refusal.reason}: ${refusal.detail}`
    const known = causes.get(key)
    if (known === undefined) causes.set(key, { first: refusal, more: [] })
    else known.more.push(refusal)
  }
  return Array.from(causes.values(), ({ first, more }) => ({
    reason: first.reason,
    detail: first.detail,
    rows: [first, ...more]
  }))
}

const mostNamed = 3

/** The rows of a cause: "line 12 (id 8)", "lines 12, 13 and 14", "360 rows, lines 3242 to 3601". */
export const rowsText = ({ rows }: Pick<Cause, "rows">, unit = "line"): string => {
  const [first] = rows
  const name = ({ id, line }: Refusal) => `${line}${id === undefined ? "" : ` (id ${id})`}`
  if (rows.length === 1) return `${unit} ${name(first)}`
  const names = rows.map(name)
  if (rows.length <= mostNamed) return `${unit}s ${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}`
  return `${rows.length.toLocaleString("en-US")} rows, ${unit}s ${first.line} to ${rows.at(-1)?.line ?? first.line}`
}

/** Rows that are refused because of a fault of the data. */
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
