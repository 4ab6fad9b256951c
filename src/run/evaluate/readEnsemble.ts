import { Effect } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { RunConfig } from "../../config/RunConfig.ts"
import { canonical } from "../../pipeline/canonical.ts"
import type { RunEngine } from "../train/RunEngine.ts"
import type { RunFolder } from "../RunFolder.ts"
import { readModel } from "../readModel.ts"
import { sameClasses } from "./sameClasses.ts"

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

/**
 * Reads the models of finished runs as one classifier: the mean of their probabilities; a single run is its own mean.
 * Classes are in the order of the first run's.
 *
 * Fails with a RunError where their classes differ.
 * Source: Lakshminarayanan, Pritzel and Blundell, Simple and Scalable Predictive Uncertainty Estimation using Deep
 * Ensembles, 2017, section 2.4.
 */
export const readEnsemble = Effect.fn("readEnsemble")(function* (runs: NonEmptyReadonlyArray<FinishedRun>) {
  const read = yield* Effect.forEach(runs, readMember)
  const [first] = read
  const { labels } = first.model
  const images = new Map(read.map(({ form, image }) => [form, image]))
  const forms = [...images.keys()]
  const members = yield* Effect.forEach(
    read,
    Effect.fnUntraced(function* ({ config, folder, form, model, recorded }) {
      const columns = yield* sameClasses({ run: first.folder.path, labels }, { run: folder.path, labels: model.labels })
      return { run: folder.path, config, folder, recorded, model, columns, form: forms.indexOf(form) }
    })
  )
  // Batches are made for all members at once: the smallest size fits the memory of each.
  const batchSize = Math.min(...runs.map(({ config }) => config.train.batchSize))
  return {
    labels,
    members,
    /** The forms in which members take an image, without repetition; a member's `form` is an index of it. */
    images: [...images.values()],
    /** How the batches are made. */
    config: { ...first.config, train: { ...first.config.train, batchSize } }
  }
})
export type Ensemble = Effect.Success<ReturnType<typeof readEnsemble>>
export type EnsembleMember = Ensemble["members"][number]
