import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { ColumnCounts } from "../metrics/Report.ts"
import { percent } from "../metrics/numberText.ts"
import { labelsText } from "../pipeline/conflicts.ts"
import type { Leakage } from "../pipeline/leakage.ts"
import { sharedText } from "../pipeline/leakage.ts"
import { reasonWords } from "../pipeline/Ledger.ts"
import { report } from "../pipeline/Progress.ts"
import { weftCommand } from "../config/weftCommand.ts"
import { visibleLine } from "../layers/terminal/visible.ts"
import type { Inspection } from "../run/inspect/inspectData.ts"
import { inspectData } from "../run/inspect/inspectData.ts"
import { newConfig } from "./newConfig.ts"
import * as options from "./options.ts"
import * as plain from "./plainFlags.ts"
import { bar, section, table } from "./text.ts"

const barWidth = 24
const shownSizes = 8

const classTable = ({ classes }: Pick<Inspection, "classes">) => {
  const counted = classes.map((one) => ({ ...one, images: one.train + one.validation + one.test }))
  const most = Math.max(...counted.map(({ images }) => images))
  const all = counted.reduce((sum, { images }) => sum + images, 0)
  return table([
    ["class", "images", "share", "train", "validation", "test", ""],
    ...counted.map(({ images, label, test, train, validation }) => [
      label,
      images,
      percent(images / all),
      train,
      validation,
      test,
      bar(images / most, barWidth)
    ])
  ])
}

/** A label column: how many rows are known in it, its classes, and the values that were left out of it. */
const columnSection = (column: ColumnCounts): string => {
  const { classes, conflicting = 0, empty, known, name, perClass, rare, values } = column
  const kept = perClass.filter((one) => one.train + one.validation + one.test > 0)
  const others = perClass.filter((one) => !kept.includes(one))
  const counts = [
    `${known} rows known`,
    ...(empty === 0 ? [] : [`${empty} empty`]),
    ...(rare === 0 ? [] : [`${rare} with rare values only`]),
    ...(conflicting === 0 ? [] : [`${conflicting} that contradict rows with the same image`])
  ]
  return section(
    `${visibleLine(name)}: ${classes} ${classes === 1 ? "class" : "classes"}${values === "several" ? ", several in a row" : ""}`,
    [
      counts.join(", "),
      classTable({ classes: kept.toSorted((a, b) => b.train - a.train || (a.label < b.label ? -1 : 1)) }),
      ...(others.length === 0
        ? []
        : [`left out: ${others.map(({ label, listed }) => `${visibleLine(label)} ${listed}`).join(", ")}`])
    ].join("\n")
  )
}

const reasonsText = (reasons: Inspection["refused"]) =>
  reasons
    .flatMap(({ count, examples, reason }) => [
      `${reasonWords(reason)}: ${count}`,
      ...examples.map(({ detail, text, where }) => {
        const what = text === undefined ? "" : `: ${text.length > 80 ? `${text.slice(0, 79)}…` : text}`
        return visibleLine(`    ${where}: ${detail}${what}`)
      })
    ])
    .join("\n")

const shownPairs = 3
const shownSets = 5

/** What the parts share, and which labels contradict each other. */
const leakageSections = (leakage: Leakage): ReadonlyArray<string> => {
  const shareOf = (rows: number, all: number) => (all === 0 ? "–" : percent(rows / all))
  const shared = table([
    ["rows that share with a training row", "test", "share", "validation", "share"],
    ...leakage.shared.map((one) => [
      sharedText(one),
      one.test,
      shareOf(one.test, leakage.test),
      one.validation,
      shareOf(one.validation, leakage.validation)
    ])
  ])
  const examples = leakage.shared.flatMap((one) =>
    one.examples
      .slice(0, shownPairs)
      .map(({ test, train }) =>
        visibleLine(
          `    ${sharedText(one)}: ${test.id} (${test.label}, test) and ${train.id} (${train.label}, training)`
        )
      )
  )
  const found = leakage.contradictions.filter(({ sets }) => sets > 0)
  const sets = found.flatMap((one) => [
    `${one.labels === undefined ? "" : `${visibleLine(one.labels)}: `}${one.sets} with different labels share ${sharedText(one)}: ${one.rows} rows`,
    ...one.examples
      .slice(0, shownSets)
      .map(({ labels, rows, shared }) =>
        visibleLine(
          `    ${shared === undefined ? "" : `${JSON.stringify(shared)}: `}${labelsText(labels)} (${rows.map(({ id }) => id).join(", ")})`
        )
      )
  ])
  return [
    section("Shared between the parts", [...leakage.notes.map(visibleLine), shared, ...examples].join("\n")),
    section("Labels that contradict each other", found.length === 0 ? "none" : sets.join("\n"))
  ]
}

const inspectionText = (found: Inspection) => {
  const { classesLeftOut, columns, images, leakage, leftOut, refused, split, sum } = found
  const more = images.sizes.length - shownSizes
  return [
    sum,
    `${columns === undefined ? `${found.classes.length} classes` : `${columns.length} label ${columns.length === 1 ? "column" : "columns"}`}: ${split.train} to train on, ${split.validation} to validate, ${split.test} to test`,
    ...(columns === undefined ? [section("Classes", classTable(found))] : columns.map(columnSection)),
    section("Refused", refused.length === 0 ? "nothing" : reasonsText(refused)),
    ...(leftOut.length === 0 ? [] : [section("Left out, as configured", reasonsText(leftOut))]),
    ...(leakage === undefined ? [] : leakageSections(leakage)),
    ...(columns !== undefined || classesLeftOut.length === 0
      ? []
      : [
          section(
            "Classes left out (data.minPerClass)",
            classesLeftOut.map(({ count, label }) => `${visibleLine(label)} ${count}`).join(", ")
          )
        ]),
    section(
      "Images (width x height)",
      images.sizes
        .slice(0, shownSizes)
        .map(({ count, size }) => `${size}: ${count}`)
        .join(", ") + (more > 0 ? `, and ${more} other sizes` : "")
    ),
    images.formats.map(({ count, format }) => `${format}: ${count}`).join("; ")
  ].join("\n")
}

/** Reports what a catalogue holds, before training. */
export const inspect = Command.make(
  "inspect",
  {
    path: Argument.String("path").pipe(
      Argument.withDescription("A catalogue, as `train` takes it: a folder of photos, or a list"),
      Argument.optional
    ),
    data: plain.data,
    label: plain.label,
    config: Flag.optional(options.config),
    set: options.set,
    json: options.json
  },
  Effect.fnUntraced(function* ({ config: file, data, json, label, path, set }) {
    const values = { data, label, epochs: Option.none(), size: Option.none(), network: Option.none() }
    const { config, lines } = yield* newConfig({ path, file, values, sets: set })
    // The second line is the plan of a training.
    yield* Effect.forEach(lines.slice(0, 1), (line) => report({ _tag: "Note", line }), { discard: true })
    const found = yield* inspectData(config).pipe(plain.namingFlags(plain.given(values)))
    yield* Console.log(json ? JSON.stringify(found, null, 2) : inspectionText(found))
  })
).pipe(
  Command.withDescription(
    "Shows what a catalogue holds: classes, the split, sizes, and which rows are refused and why"
  ),
  Command.withExamples([
    { command: weftCommand("inspect photos/"), description: "A folder of photos, a folder for each class" },
    {
      command: weftCommand("inspect shop/products.csv --label category,colour"),
      description: "A list, with two label columns"
    },
    { command: weftCommand("inspect --config shop.toml"), description: "As a configuration says" }
  ])
)
