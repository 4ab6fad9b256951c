import { Effect, Result, Stream } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import { ImageBytes } from "../../pipeline/ImageBytes.ts"
import { mostBytes } from "../../pipeline/ImageConfig.ts"
import { elementAt } from "../../pipeline/elementAt.ts"
import type { LabelColumn } from "../../pipeline/LabelColumn.ts"
import { Part } from "../../pipeline/Part.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import { imageFolders, pathUnder, Rows } from "../../pipeline/Rows.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import { sha256 } from "../../pipeline/sha256.ts"
import { forMeasuring, readBegunData } from "../train/begunData.ts"
import type { RunFolder } from "../RunFolder.ts"
import type { ColumnValue } from "./ColumnValue.ts"
import type { Arrival } from "./Item.ts"
import { Desk } from "./Desk.ts"
import type { CataloguePhoto } from "./livePhotos.ts"

/** Images that arrive at once. */
const atOnce = 500

/** A row of the catalogue: its image, and what the label columns have. */
interface Listed {
  readonly id: string
  readonly photo: CataloguePhoto
  readonly digest: string
  readonly part: Part | null
  /** In each label column of the desk; null where there is none. */
  readonly values: ReadonlyArray<ColumnValue>
}

/** A file's name, of a path or a URL: as the desk shows it. */
export const fileName = (path: string): string => {
  const name = path.split(/[/\\]/).at(-1) ?? path
  return (
    Array.from(name.replaceAll(/[\p{Cc}\p{Cs}]/gu, "\u{FFFD}"))
      .slice(0, 250)
      .join("") || "image"
  )
}

/**
 * Rows that have no label yet. The catalogue is read once more with the id as its label, which no row lacks: lines that the
 * first reading has refused for their label are rows then.
 */
const unlabelled = Effect.fnUntraced(function* (
  root: string,
  config: RunConfig,
  columns: ReadonlyArray<string>,
  lines: ReadonlySet<number>
) {
  if (lines.size === 0) return []
  const { data, image } = config
  const within = imageFolders(root, data)
  const files = yield* ImageBytes
  const rows = yield* Rows
  const asked = { ...data, columns: { ...data.columns, label: data.columns.id } }
  const listed: Array<Listed> = []
  yield* rows.read(root, asked).pipe(
    Stream.runForEach(
      Effect.fnUntraced(function* (one) {
        if (Result.isFailure(one) || !lines.has(one.success.line)) return
        const { id, image: file } = one.success
        const photo: CataloguePhoto = { path: pathUnder(root, file), within, ...(data.urls && { urls: data.urls }) }
        const bytes = yield* Effect.option(files.read(photo.path, mostBytes(image), within, data.urls))
        if (bytes._tag === "None") return
        const digest = yield* sha256(Uint8Array.from(bytes.value))
        listed.push({ id, photo, digest, part: null, values: columns.map((column) => ({ column, value: null })) })
      })
    )
  )
  return listed
})

/**
 * A sample's value in each label column of the desk; null where it is not known. A set is as the catalogue has it, also with
 * those values that the run leaves out: an answer would take them away.
 */
const valuesOf = (
  all: ReadonlyArray<LabelColumn>,
  { label, labels, leftOut }: Pick<Sample, "label" | "labels" | "leftOut">,
  wanted: ReadonlyArray<string>
): Listed["values"] =>
  wanted.map((column) => {
    const index = all.findIndex(({ name }) => name === column)
    if (all[index]?.values === "several") {
      const classes = labels?.[index]?.map((known) => elementAt(all[index]?.classes ?? [], known))
      const others = leftOut?.[index]?.values
      return {
        column,
        value: classes === undefined && others === undefined ? null : [...(classes ?? []), ...(others ?? [])]
      }
    }
    const known = labels === undefined ? label : labels[index]?.[0]
    return { column, value: known === undefined ? null : (all[index]?.classes[known] ?? null) }
  })

/**
 * Takes the catalogue of a run in: each image once, with all its rows, their labels and its part of the run's split; rows
 * without a label wait for an answer. `found` learns where each image is before it is at the desk.
 */
export const takeIn = Effect.fn("takeIn")(function* (
  config: RunConfig,
  folder: RunFolder["Service"],
  found: (digest: string, photo: CataloguePhoto) => void
) {
  const desk = yield* Desk
  const { columns } = desk.settings
  const begun = yield* readBegunData(folder, config)
  const dataset = yield* Pipeline.dataset(config, begun && forMeasuring(begun))
  const missing = new Set(
    dataset.ledger.refusals.filter(({ reason }) => reason === "missingLabel").map(({ line }) => line)
  )
  const listed: ReadonlyArray<Listed> = [
    ...Part.literals.flatMap((part) =>
      dataset[part].map((sample): Listed => {
        const { digest, id, path, urls, within } = sample
        const photo = { path, ...(within && { within }), ...(urls && { urls }) }
        return { id, photo, digest, part, values: valuesOf(dataset.columns, sample, columns) }
      })
    ),
    ...(yield* unlabelled(dataset.root, config, columns, missing))
  ]
  const byDigest = new Map<string, Arrival>()
  for (const { digest, id, part, photo, values } of listed) {
    found(digest, photo)
    const known = byDigest.get(digest)
    const row = { id, values }
    byDigest.set(
      digest,
      known === undefined
        ? { digest, name: fileName(photo.path), origin: "catalogue", rows: [row], part, suggestions: [] }
        : { ...known, rows: [...known.rows, row], part: known.part ?? part }
    )
  }
  const arrivals = [...byDigest.values()]
  for (let from = 0; from < arrivals.length; from += atOnce) yield* desk.arrive(arrivals.slice(from, from + atOnce))
  return arrivals.length
})
