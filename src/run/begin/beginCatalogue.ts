import { Effect, Option, Result, Stream } from "effect"
import type { Table } from "../../config/configTable.ts"
import { isTable } from "../../config/configTable.ts"
import { decodeRunConfig } from "../../config/RunConfig.ts"
import { modelFacts } from "../../model/Model.ts"
import { Pretrained } from "../../model/Pretrained.ts"
import type { Place } from "../../pipeline/CatalogueFiles.ts"
import { CatalogueFiles, CatalogueUnclear } from "../../pipeline/CatalogueFiles.ts"
import { count } from "../../pipeline/DataUnusable.ts"
import { elementAt } from "../../pipeline/elementAt.ts"
import type { Guess, Wishes } from "../../pipeline/guessCatalogue.ts"
import { chooseList, guessList, imageCandidates } from "../../pipeline/guessCatalogue.ts"
import { guessFolders } from "../../pipeline/guessFolders.ts"
import type { LabelColumns } from "../../pipeline/LabelColumnConfig.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import { minPerClassFor } from "../../pipeline/minPerClassFor.ts"
import { Progress } from "../../pipeline/Progress.ts"
import { Rows } from "../../pipeline/Rows.ts"
import { Machine } from "../Machine.ts"
import type { KnownWeights, TrainingWishes } from "./trainingDefaults.ts"
import { imagenetScale, publishedWeights, trainingDefaults, usualFiles } from "./trainingDefaults.ts"

/** What the command line says of a run on a catalogue. */
export interface BeginWishes extends Omit<Wishes, "label">, TrainingWishes {
  /** `data.columns.label`. */
  readonly label?: LabelColumns | undefined
  /** `network.weights`. */
  readonly weights?: string | undefined
  /** Makes a path absolute. */
  readonly resolve: (path: string) => string
}

const guessAt = Effect.fnUntraced(function* (place: Place, wishes: Wishes) {
  const files = yield* CatalogueFiles
  const folders = guessFolders(place)
  const list = chooseList(place)
  if (Result.isSuccess(list) && list.success === undefined) return yield* Effect.fromResult(folders)
  const found = yield* Effect.gen(function* () {
    const chosen = yield* Effect.fromResult(list)
    if (chosen === undefined) return yield* Effect.fromResult(folders)
    const sample = yield* files.sample(place, chosen)
    const candidates = imageCandidates(sample, place.folders)
    const present = yield* files.present(
      place.root,
      candidates.flatMap(({ paths }) => paths)
    )
    return yield* Effect.fromResult(guessList(place, sample, candidates, present, wishes))
  }).pipe(Effect.result)
  if (Result.isSuccess(found)) return found.success
  // A list beside class folders may be something else; of a file that was named, it is the list that is meant.
  if (Result.isSuccess(folders) && wishes.label === undefined && place.folders.length > 0 && isFolder(place))
    return {
      ...folders.success,
      line: (classes) =>
        `${folders.success.line(classes)} (${place.lists.map(({ file }) => file).join(", ")}: not taken, as it is no list of these images)`
    } satisfies Guess
  return yield* Effect.fail(found.failure)
})

/** Whether it is the folder that was named, and not a list in it. */
const isFolder = ({ lists, named }: Place): boolean => !lists.some(({ file }) => named.endsWith(file))

/** The keys of `data` with these label columns. */
const withLabel = (data: Table, label: LabelColumns): Table => {
  const { columns } = data
  return { ...data, columns: { ...(isTable(columns) && columns), label } }
}

/** How many well-formed rows each class of each label column has, and how many rows there are in all. */
const countClasses = Effect.fnUntraced(function* (data: Table, path: string) {
  const config = yield* decodeRunConfig({ data: { ...data, minPerClass: 3 } }, path)
  const columns = labelColumnsOf(config.data).map(({ column }) => ({ column, sizes: new Map<string, number>() }))
  let rows = 0
  yield* Rows.use(
    ({ read }) =>
      Stream.runForEach(read(config.data.root ?? "", config.data), (listed) =>
        Effect.sync(() => {
          rows += 1
          if (Result.isFailure(listed)) return
          const { label, labels } = listed.success
          for (const [column, { sizes }] of columns.entries())
            for (const value of labels === undefined ? [label] : (labels[column] ?? []))
              sizes.set(value, (sizes.get(value) ?? 0) + 1)
        })
      )
    // What is noted on the way is noted again when the run reads it.
  ).pipe(Effect.provideService(Progress, () => Effect.void))
  return { rows, columns }
})

type ColumnSizes = Effect.Success<ReturnType<typeof countClasses>>["columns"][number]

/** The minimum that suits a column; refused where not even the smallest leaves two classes. */
const leastOf = (path: string, isOne: boolean, { column, sizes }: ColumnSizes) => {
  const least = minPerClassFor([...sizes.values()])
  if (least !== undefined) return Result.succeed(least)
  const few = sizes.size < 2 ? "and two are needed" : "fewer than two have 3 photos"
  return Result.fail(
    new CatalogueUnclear({
      path,
      reason: "few",
      detail: `of ${isOne ? "its" : `the column ${JSON.stringify(column)}'s`} ${count(sizes.size)} classes, ${few}`,
      cure: isOne
        ? "Bring more photos of each class; if another column has the classes, name it with --label."
        : "Leave this column out of --label, or bring more photos of each class."
    })
  )
}

/** The weights that a run may begin with: those that are named, or MobileNetV2's where they are on this machine. */
const knownWeights = Effect.fnUntraced(function* ({ network, resolve, weights }: BeginWishes) {
  const { atHand, contents } = yield* Pretrained
  if (weights !== undefined) {
    const facts = modelFacts((yield* contents(weights)).metadata)
    const other = { source: weights, network: network ?? "mobilenet-v2" } satisfies KnownWeights
    return Option.match(facts, {
      onNone: () => other,
      onSome: ({ network: { height, name, width } }): KnownWeights => ({
        source: weights,
        network: name,
        size: { height, width }
      })
    })
  }
  if (network !== undefined && network !== "mobilenet-v2") return undefined
  for (const source of [publishedWeights, ...usualFiles.map(resolve)])
    if (yield* atHand(source)) {
      const { metadata } = yield* contents(source)
      const known: KnownWeights = { source, network: "mobilenet-v2" }
      // What the file itself says comes first: others publish them with other numbers.
      return metadata["mean"] === undefined ? { ...known, scale: imagenetScale } : known
    }
  return undefined
})

const nameOf = ({ lists, named, root }: Place): string => {
  const [list] = lists
  const base = list !== undefined && named.endsWith(list.file) ? list.file.replace(/\.[^.]*$/, "") : root
  const name = (base.split(/[/\\]/).at(-1) ?? "").replaceAll(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "")
  return name === "" ? "run" : name
}

/**
 * The configuration of a run on what lies at a path, with sensible defaults, and what was taken for what in a few lines.
 *
 * Nothing is written, and nothing fetched. Fails with a CatalogueUnclear that says what was seen and which flag decides, or
 * with a RowsError where the list cannot be read.
 */
export const beginCatalogue = Effect.fn("beginCatalogue")(function* (path: string, wishes: BeginWishes) {
  const place = yield* CatalogueFiles.use(({ look }) => look(path))
  const { label } = wishes
  const first = label === undefined ? undefined : labelColumnsOf({ columns: { label } })[0].column
  const guess = yield* guessAt(place, { label: first, urls: wishes.urls })
  if (guess.data["folders"] === true && first !== undefined)
    return yield* new CatalogueUnclear({
      path,
      reason: "label",
      detail: `these are class folders, without a column ${JSON.stringify(first)}`,
      cure: "Leave --label out: the folder's name is the class. Or name the list that has the column."
    })
  const data = typeof label === "object" ? withLabel(guess.data, label) : guess.data
  const { columns, rows } = yield* countClasses(data, path)
  // One minimum for all columns: the one that the column with the smallest classes can bear.
  const minima = yield* Effect.forEach(columns, (one) => Effect.fromResult(leastOf(path, columns.length === 1, one)))
  const minPerClass = Math.min(...minima)
  const sizes = [...elementAt(columns, 0).sizes.values()]
  const small = sizes.filter((size) => size < minPerClass)
  const kept = sizes.reduce((sum, size) => sum + (size >= minPerClass ? size : 0), 0)
  const { cpus } = yield* Machine
  const weights = yield* knownWeights(wishes)
  const { line, table } = trainingDefaults(Math.ceil(kept * 0.8), Math.min(cpus, 16), wishes, weights)
  const left =
    small.length === 0
      ? ""
      : `; ${count(small.length)} ${small.length === 1 ? "class has" : "classes have"} fewer than ${minPerClass} and ${small.length === 1 ? "is" : "are"} left out (data.minPerClass)`
  const unit = guess.data["folders"] === true ? "image" : "row"
  const config: Table = { name: nameOf(place), data: { ...data, minPerClass }, ...table }
  return { config, lines: [`${guess.line(sizes.length)}; ${count(rows)} ${unit}${rows === 1 ? "" : "s"}${left}`, line] }
})
