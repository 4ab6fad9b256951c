import { Effect, Struct } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { Model, ModelColumn } from "../../model/Model.ts"
import type { PlacedColumn } from "../../pipeline/LabelColumn.ts"
import { modelColumns } from "../../model/Model.ts"
import { evenThreshold } from "../../metrics/multilabel.ts"
import { elementAt } from "../../pipeline/elementAt.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { canonical } from "../../pipeline/canonical.ts"
import type { RunEngine } from "../train/RunEngine.ts"
import type { RunFolder } from "../RunFolder.ts"
import { readModel } from "../readModel.ts"
import { sameColumns } from "./sameClasses.ts"

/** A run to apply: its folder, and how its model is applied. */
export interface FinishedRun {
  readonly config: RunConfig
  readonly folder: RunFolder["Service"]
  /** The engine that it ran on, where it is to be measured on that. */
  readonly recorded?: RunEngine | undefined
}

const readMember = Effect.fnUntraced(function* ({ config, folder, recorded }: FinishedRun) {
  const model = yield* readModel(folder)
  // Limits of a file's size do not concern the network, and may change after its training.
  const image = { ...model.image, maxPixels: config.image.maxPixels }
  return { config, folder, recorded, model, image, form: canonical(image) }
})

/** The threshold of each class of all of a model's columns; one half where it has none. */
export const thresholdsOf = (model: Model): ReadonlyArray<number> =>
  modelColumns(model).flatMap(({ classes, thresholds }) => thresholds ?? classes.map(() => evenThreshold))

/**
 * The label columns of models that are applied together, as the first has them, each with the place of its logits. A class
 * of a column with several values applies from the mean of the models' thresholds on. Temperatures are each model's own.
 */
const commonColumns = (
  members: NonEmptyReadonlyArray<{ readonly model: Model; readonly order: Int32Array }>
): ReadonlyArray<Omit<ModelColumn & PlacedColumn, "temperature">> =>
  modelColumns(members[0].model).map((one) => {
    const { thresholds, ...column } = Struct.omit(one, ["temperature"])
    if (thresholds === undefined) return column
    const all = members.map(({ model, order }) => {
      const own = thresholdsOf(model)
      return thresholds.map((_, c) => elementAt(own, elementAt(order, column.from + c)))
    })
    return {
      ...column,
      thresholds: thresholds.map((_, c) => all.reduce((sum, own) => sum + elementAt(own, c), 0) / all.length)
    }
  })

/**
 * Reads the models of finished runs as one classifier: the mean of their probabilities; a single run is its own mean.
 * Label columns and classes are in the order of the first run's.
 *
 * Fails with a RunError where their label columns or classes differ.
 * Source: Lakshminarayanan, Pritzel and Blundell, Simple and Scalable Predictive Uncertainty Estimation using Deep
 * Ensembles, 2017, section 2.4.
 */
export const readEnsemble = Effect.fn("readEnsemble")(function* (runs: NonEmptyReadonlyArray<FinishedRun>) {
  const read = yield* Effect.forEach(runs, readMember)
  const [first] = read
  const { labels } = first.model
  const images = new Map(read.map(({ form, image }) => [form, image]))
  const forms = [...images.keys()]
  const columns = modelColumns(first.model)
  const members = yield* Effect.forEach(
    read,
    Effect.fnUntraced(function* ({ config, folder, form, model, recorded }) {
      const run = folder.path
      const order = yield* sameColumns({ run: first.folder.path, columns }, { run, columns: modelColumns(model) })
      return { run, config, folder, recorded, model, order, form: forms.indexOf(form) }
    })
  )
  // Batches are made for all members at once: the smallest size fits the memory of each.
  const batchSize = Math.min(...runs.map(({ config }) => config.train.batchSize))
  return {
    /** The first label column's classes. */
    labels,
    columns: commonColumns(members),
    members,
    /** The forms in which members take an image, without repetition; a member's `form` is an index of it. */
    images: [...images.values()],
    /** How the batches are made. */
    config: { ...first.config, train: { ...first.config.train, batchSize } }
  }
})
export type Ensemble = Effect.Success<ReturnType<typeof readEnsemble>>
export type EnsembleMember = Ensemble["members"][number]
