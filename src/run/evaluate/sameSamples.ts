import { Effect } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import type { LabelColumn } from "../../pipeline/LabelColumn.ts"
import { differences } from "../report/differences.ts"
import { RunError } from "../RunError.ts"
import type { Labelled } from "./sameClasses.ts"

/** The samples of a part of a run's catalogue. */
export interface Listed extends Labelled {
  readonly config: RunConfig
  /** "test part", for people. */
  readonly what: string
  readonly samples: ReadonlyArray<{
    readonly id: string
    /** Of the image file's bytes. */
    readonly digest: string
    /** Index into `labels`. */
    readonly label: number
    /** Indexes into the classes of each of the `columns`; null or undefined where they are not known. */
    readonly labels?: ReadonlyArray<ReadonlyArray<number> | null | undefined>
  }>
  /** Absent where there is one column with one value. */
  readonly columns?: ReadonlyArray<LabelColumn>
}

/** The names of a sample's classes, in all columns, whatever their order. */
const classesText = ({ columns, labels }: Listed, sample: Listed["samples"][number]): string | undefined =>
  columns === undefined
    ? labels[sample.label]
    : JSON.stringify(
        columns
          .map(({ classes, name }, k) => [name, sample.labels?.[k]?.map((c) => classes[c]).sort() ?? null] as const)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
      )

const shown = 3

const counted = (what: string, ids: ReadonlyArray<string>) =>
  ids.length === 0
    ? []
    : [`${what}: ${ids.length} (${ids.slice(0, shown).join(", ")}${ids.length > shown ? ", …" : ""})`]

/** The keys that decide a part's samples, where they differ between two runs. */
const settings = (first: Listed, other: Listed): string => {
  const found = differences([first.config, other.config]).filter(({ key }) => key === "seed" || key.startsWith("data."))
  const keys = found.map(({ key, values }) => `${key} (${values.map((value) => value ?? "not set").join(", ")})`)
  return keys.length === 0 ? "" : `. They differ in ${keys.join(", ")}`
}

/**
 * The index of each sample of a part of one run in the same part of another, which must have the same samples: ids,
 * images and classes. Then neither run was trained on samples that the other is measured on.
 *
 * Fails with a RunError of the other run that names the differences, and the keys that cause them where the
 * configurations differ.
 */
export const sameSamples = Effect.fnUntraced(function* (first: Listed, other: Listed) {
  const rows = new Map(other.samples.map(({ id }, row) => [id, row]))
  const known = new Set(first.samples.map(({ id }) => id))
  const pairs = first.samples.flatMap((one) => {
    const row = rows.get(one.id)
    const same = row === undefined ? undefined : other.samples[row]
    return same === undefined ? [] : [{ one, same }]
  })
  const idsOf = (some: ReadonlyArray<{ readonly one: { readonly id: string } }>) => some.map(({ one }) => one.id)
  const differ = [
    ...counted(
      `only in that of ${first.run}`,
      first.samples.flatMap(({ id }) => (rows.has(id) ? [] : [id]))
    ),
    ...counted(
      "only in its own",
      other.samples.flatMap(({ id }) => (known.has(id) ? [] : [id]))
    ),
    ...counted("with another image", idsOf(pairs.filter(({ one, same }) => one.digest !== same.digest))),
    ...counted(
      "of another class",
      idsOf(pairs.filter(({ one, same }) => classesText(first, one) !== classesText(other, same)))
    )
  ]
  if (differ.length > 0)
    return yield* new RunError({
      run: other.run,
      detail:
        `its ${other.what} has other samples than that of ${first.run}; ${differ.join("; ")}` +
        `${settings(first, other)}. Runs are measured together only on samples that none of them was trained on: ` +
        "train one of them again on the data of the other, with its seed as `data.split.seed`, or leave it out"
    })
  return Int32Array.from(first.samples, ({ id }) => rows.get(id) ?? 0) // every one is there
})
