import { elementAt } from "../../pipeline/elementAt.ts"
import { Effect } from "effect"
import { arranged } from "../../model/arranged.ts"
import type { EngineConfig } from "../../model/EngineConfig.ts"
import type { Model } from "../../model/Model.ts"
import { cooledColumns, modelColumns } from "../../model/Model.ts"
import type { Predictor } from "../../model/Predictor.ts"
import { predictorOf } from "../../model/Predictor.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import type { Ensemble } from "./readEnsemble.ts"
import type { RunEngine } from "../train/RunEngine.ts"

/** A member's logits for a batch, (size, classes of all columns), row by row, in the ensemble's order of columns and classes. */
export interface MemberLogits {
  /** After test-time augmentation, before its temperature. */
  readonly before: Float32Array
  /** After its temperatures too; the same array where it has none. */
  readonly after: Float32Array
}

/**
 * Opens the members of an ensemble in their engines until the Scope closes, each with its own test-time augmentation
 * and temperature; `open` opens a model in an engine.
 */
export const openEnsemble = Effect.fn("openEnsemble")(function* <E, R>(
  { members }: Ensemble,
  open: (
    config: EngineConfig,
    model: Model,
    recorded: RunEngine | undefined
  ) => Effect.Effect<{ readonly name: string; readonly device: string; readonly predictor: Predictor }, E, R>
) {
  return yield* Effect.forEach(
    members,
    Effect.fnUntraced(function* (member) {
      const { config, form, model, order, recorded } = member
      const columns = modelColumns(model)
      const { device, name, predictor } = yield* open(config.engine, model, recorded)
      const { predict } = predictorOf(predictor, config.evaluate, columns)
      const temperature = model.calibration?.temperature
      return {
        ...member,
        engine: name,
        device,
        temperature,
        /** Takes a batch in all forms of the ensemble's `images`. */
        predict: (forms: ReadonlyArray<Batch>) =>
          Effect.map(predict(elementAt(forms, form)), (logits): MemberLogits => {
            const before = arranged(logits, order)
            const after = cooledColumns(logits, columns)
            // Without a temperature they are the same array.
            return { before, after: after === logits ? before : arranged(after, order) }
          })
      }
    })
  )
})
export type OpenMembers = Effect.Success<ReturnType<typeof openEnsemble>>
export type OpenMember = OpenMembers[number]
