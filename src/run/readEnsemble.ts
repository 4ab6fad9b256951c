import { Effect } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { decodeModel } from "../model/Model.ts"
import type { RunConfig } from "../RunConfig.ts"
import { canonical } from "./configDigest.ts"
import type { RunEngine } from "./RunEngine.ts"
import type { RunFolder } from "./RunFolder.ts"
import { sameClasses } from "./sameClasses.ts"

/** A run that is to be applied: where its model lies, and how it is applied. */
export interface FinishedRun {
  readonly config: RunConfig
  readonly folder: RunFolder["Service"]
  /** What it ran on, where it is to be measured on that. */
  readonly recorded?: RunEngine | undefined
}

const readModel = Effect.fnUntraced(function* ({ config, folder, recorded }: FinishedRun) {
  const model = yield* decodeModel(yield* folder.read("model/model.safetensors"), folder.path)
  // How large a file may be is no matter of the network, and may be changed after its training.
  const image = { ...model.image, maxPixels: config.image.maxPixels }
  return { config, folder, recorded, model, image, form: canonical(image) }
})

/**
 * The models of finished runs that answer as one, by the mean of their probabilities; a run alone is its own mean. Their
 * classes are in the order of the first.
 *
 * Fails with a RunError where they do not know the same classes.
 * Source: Lakshminarayanan, Pritzel and Blundell, Simple and Scalable Predictive Uncertainty Estimation using Deep
 * Ensembles, 2017, section 2.4.
 */
export const readEnsemble = Effect.fn("readEnsemble")(function* (runs: NonEmptyReadonlyArray<FinishedRun>) {
  const read = yield* Effect.forEach(runs, readModel)
  const [first] = read
  const { labels } = first.model
  const images = new Map(read.map(({ form, image }) => [form, image]))
  const forms = [...images.keys()]
  const members = yield* Effect.forEach(
    read,
    Effect.fnUntraced(function* ({ config, folder, form, model, recorded }) {
      const columns = yield* sameClasses({ run: first.folder.path, labels }, { run: folder.path, labels: model.labels })
      return { config, folder, recorded, model, columns, form: forms.indexOf(form) }
    })
  )
  // Batches are made for all at once, and what fits one member's memory may not fit another's.
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
