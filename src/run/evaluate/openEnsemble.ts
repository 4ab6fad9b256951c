import { Effect } from "effect"
import { cooled } from "../../metrics/calibration.ts"
import { arranged } from "../../model/arranged.ts"
import type { EngineConfig } from "../../model/EngineConfig.ts"
import type { Model } from "../../model/Model.ts"
import type { Predictor } from "../../model/Predictor.ts"
import { predictorOf } from "../../model/Predictor.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import type { Ensemble } from "./readEnsemble.ts"
import type { RunEngine } from "../train/RunEngine.ts"

/** What a member says of a batch: logits (size, classes), row by row, in the ensemble's order of classes. */
export interface Said {
  /** After test-time augmentation, before its temperature. */
  readonly before: Float32Array
  /** After it too; the same where it has none. */
  readonly after: Float32Array
}

/**
 * The members of an ensemble at work, each with its own look at the images and its own temperature, until the Scope
 * closes; `open` puts a model to work.
 */
export const openEnsemble = Effect.fn("openEnsemble")(function* <E, R>(
  { labels, members }: Ensemble,
  open: (
    config: EngineConfig,
    model: Model,
    recorded: RunEngine | undefined
  ) => Effect.Effect<{ readonly name: string; readonly predictor: Predictor }, E, R>
) {
  const opened = yield* Effect.forEach(
    members,
    Effect.fnUntraced(function* ({ columns, config, folder, form, model, recorded }) {
      const { name, predictor } = yield* open(config.engine, model, recorded)
      const { predict } = predictorOf(predictor, config.evaluate, labels.length)
      return { run: folder.path, engine: name, columns, form, predict, temperature: model.calibration?.temperature }
    })
  )
  return {
    labels,
    members: opened,
    /** What each member says of the same images; `forms` are those of the ensemble's `images`. */
    predict: (forms: ReadonlyArray<Batch>) =>
      Effect.forEach(opened, ({ columns, form, predict, temperature }) =>
        Effect.map(predict(forms[form]!), (logits): Said => {
          const before = arranged(logits, columns)
          return { before, after: cooled(before, temperature ?? 1) }
        })
      )
  }
})
export type OpenEnsemble = Effect.Success<ReturnType<typeof openEnsemble>>
