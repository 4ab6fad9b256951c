import { Result } from "effect"
import type { SplitConfig } from "./DataConfig.ts"
import { count, DataUnusable } from "./DataUnusable.ts"
import { byCodeUnit } from "./hashOrder.ts"
import type { Refusal } from "./Ledger.ts"
import { refuse } from "./Ledger.ts"
import type { Row } from "./Row.ts"
import type { Division } from "./split.ts"
import type { Time } from "./Time.ts"
import { asDate, timeText } from "./Time.ts"

/**
 * Rows whose times can be compared. Among dates, a number of four digits is a year, and any other number is refused
 * (`unknownTime`): a number and a date have no order.
 */
export const withOneKindOfTime = <
  A extends { readonly rows: ReadonlyArray<Row>; readonly refusals: ReadonlyArray<Refusal> }
>(
  read: A
): A => {
  if (!read.rows.some(({ time }) => time?.isDate === true)) return read
  const rows: Array<Row> = []
  const refusals = [...read.refusals]
  for (const row of read.rows) {
    const time = row.time && asDate(row.time)
    if (time === undefined && row.time !== undefined)
      refusals.push(refuse(row, "unknownTime", `the time is the number ${row.time.at}; other rows have dates`))
    else rows.push(time === undefined ? row : { ...row, time })
  }
  return { ...read, rows, refusals }
}

/** How many of the newest values come nearest to a count of rows: one at least, and at most `most`. */
const nearest = (rows: ReadonlyArray<number>, wanted: number, most: number): number => {
  let best = 1
  let sum = 0
  let distance = Infinity
  rows.slice(0, most).forEach((size, index) => {
    sum += size
    if (Math.abs(sum - wanted) >= distance) return
    distance = Math.abs(sum - wanted)
    best = index + 1
  })
  return best
}

/**
 * Divides samples by time: the newest are the test part, those before them the validation part, the rest is trained on.
 *
 * All samples of one time are in one part, so that a part differs from its share by half the rows of one time at most,
 * unless the oldest time alone has more than its share. The notes say which times divide the parts, and which classes have
 * nothing to train on, or nothing to be measured on. Fails where there are fewer different times than parts.
 */
export const splitByTime = <A extends { readonly id: string; readonly label: number }>(
  file: string,
  column: string,
  placed: ReadonlyArray<{ readonly sample: A; readonly time: Time | undefined }>,
  classes: ReadonlyArray<string>,
  config: Pick<SplitConfig, "validation" | "test">
): Result.Result<Division<A>, DataUnusable> => {
  const timeOf = (time: Time | undefined) => time?.at ?? 0 // every row has one, or it was refused
  const byTime = Map.groupBy(placed, ({ time }) => timeOf(time))
  const newest = [...byTime.keys()].sort((a, b) => b - a)
  const wanted = (["test", "validation"] as const).filter((part) => config[part] > 0)
  if (newest.length <= wanted.length)
    return Result.fail(
      new DataUnusable({
        reason: "tooFewTimes",
        detail: `${file}: the column ${JSON.stringify(column)} has ${count(newest.length)} different ${newest.length === 1 ? "time" : "times"} for ${wanted.length + 1} parts`,
        cure: "Name a column with more of them in `data.split.by`, or divide by row or by group."
      })
    )
  const sizes = newest.map((at) => byTime.get(at)?.length ?? 0)
  const borders = { test: 0, validation: 0 }
  let used = 0
  wanted.forEach((part, index) => {
    // At least one time is left for each part to come, training among them.
    const most = newest.length - used - (wanted.length - index)
    borders[part] = nearest(sizes.slice(used), config[part] * placed.length, most)
    used += borders[part]
  })
  const samplesOf = (from: number, to: number) =>
    newest
      .slice(from, to)
      .flatMap((at) => (byTime.get(at) ?? []).map(({ sample }) => sample))
      .sort((a, b) => byCodeUnit(a.id, b.id))
  const parts = {
    test: samplesOf(0, borders.test),
    validation: samplesOf(borders.test, used),
    train: samplesOf(used, newest.length)
  }
  const isDate = placed.some(({ time }) => time?.isDate === true)
  const from = (index: number) => timeText({ at: newest[index - 1] ?? 0, isDate })
  const spans = [
    ...(borders.test === 0 ? [] : [`test from ${from(borders.test)} on (${count(parts.test.length)} rows)`]),
    ...(borders.validation === 0 ? [] : [`validation from ${from(used)} on (${count(parts.validation.length)})`]),
    `training before that (${count(parts.train.length)})`
  ]
  return Result.succeed({
    parts,
    notes: [
      `divided by the column ${JSON.stringify(column)}: ${spans.join(", ")}`,
      ...without(parts.train, classes, "training", "a network cannot learn what it never sees"),
      ...(borders.test === 0 ? [] : without(parts.test, classes, "test", "nothing is measured of them"))
    ]
  })
}

/** Classes that are named. */
const shown = 5

/** A note on the classes that a part lacks, or none. */
export const without = (
  samples: ReadonlyArray<{ readonly label: number }>,
  classes: ReadonlyArray<string>,
  part: string,
  meaning: string
): ReadonlyArray<string> => {
  const has = new Set(samples.map(({ label }) => label))
  const absent = classes.filter((_, label) => !has.has(label))
  if (absent.length === 0) return []
  const named = absent.slice(0, shown).map((label) => JSON.stringify(label))
  const more = absent.length > shown ? ` and ${count(absent.length - shown)} more` : ""
  const noun = absent.length === 1 ? "class" : "classes"
  return [`no ${part} row is of the ${noun} ${named.join(", ")}${more}: ${meaning}`]
}
