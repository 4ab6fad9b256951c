import { Effect, Schema } from "effect"
import type { Batch } from "../../pipeline/Batch.ts"
import { denormalise } from "../../pipeline/denormalise.ts"
import type { ColumnLabels, LabelColumn } from "../../pipeline/LabelColumn.ts"
import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import { RunFolder } from "../RunFolder.ts"
import { Thumbnails } from "./Thumbnails.ts"

/** Images of the first batch that are kept; more say nothing new. */
const most = 24

/** A share of a whole that is a second class's, in an image that was mixed. */
const Mixed = Schema.Struct({ label: Schema.String, share: Schema.Finite })

/** The first batch of a training as the network is given it: what `first-batch.json` keeps. */
export const FirstBatch = Schema.Struct({
  height: Schema.Natural,
  width: Schema.Natural,
  /** Images of the batch, of which the first are kept. */
  size: Schema.Natural,
  images: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      /** With several label columns, all that are known, with commas between them. */
      label: Schema.String,
      mixed: Schema.optionalKey(Mixed),
      /** A `data:` address. */
      picture: Schema.String
    })
  )
})
export type FirstBatch = typeof FirstBatch.Type

const FirstBatchText = Schema.fromJsonString(FirstBatch)

/** What is known of an image of a batch in each label column, in words. */
const labelsText = (
  batch: Pick<Batch, "columns" | "labels">,
  columns: ReadonlyArray<LabelColumn>,
  row: number
): string => {
  const all: ReadonlyArray<ColumnLabels> = batch.columns ?? [{ values: "one", labels: batch.labels }]
  return columns
    .flatMap(({ classes }, column) => {
      const own = all[column]
      if (own === undefined) return []
      if (own.values === "one") return classes[own.labels[row] ?? -1] ?? []
      const applying = classes.filter((_, index) => own.labels[row * classes.length + index] === 1)
      return own.known[row] === 1 && applying.length > 0 ? applying.join("; ") : []
    })
    .join(", ")
}

/** Draws the images of a batch as the network is given them: augmented, at its size, in the batch's order. */
export const drawBatch = Effect.fn("report.drawBatch")(function* (
  batch: Batch,
  columns: ReadonlyArray<LabelColumn>,
  image: ImageConfig
) {
  const { ofPixels } = yield* Thumbnails
  const images = yield* Effect.forEach(batch.ids.slice(0, most), (id, i) =>
    Effect.map(ofPixels(denormalise(batch.images, i, image)), (picture) => {
      const label = labelsText(batch, columns, i)
      const share = batch.mix?.shares[i] ?? 1
      const other = labelsText(batch, columns, batch.mix?.partners[i] ?? i)
      return picture === undefined
        ? []
        : [{ id, label, picture, ...(share < 1 && other !== label && { mixed: { label: other, share: 1 - share } }) }]
    })
  )
  const drawn: FirstBatch = { height: batch.height, width: batch.width, size: batch.size, images: images.flat() }
  return drawn
})

/** Writes a drawn batch into the run's folder. */
export const writeFirstBatch = Effect.fnUntraced(function* (drawn: FirstBatch) {
  const folder = yield* RunFolder
  yield* folder.write("first-batch.json", `${yield* Effect.orDie(Schema.encodeEffect(FirstBatchText)(drawn))}\n`)
})

/** What the run's folder has of it; undefined where it has none that can be read: earlier versions of Weft kept none. */
export const readFirstBatch = Effect.gen(function* () {
  const folder = yield* RunFolder
  if (!(yield* folder.has("first-batch.json"))) return undefined
  return yield* Schema.decodeEffect(FirstBatchText)(new TextDecoder().decode(yield* folder.read("first-batch.json")))
}).pipe(Effect.orElseSucceed(() => undefined))
