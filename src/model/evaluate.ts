import { Effect, Stream } from "effect"
import * as Evaluation from "../metrics/Evaluation.ts"
import type { Batch } from "../pipeline/Batch.ts"
import { report } from "../Progress.ts"
import type { Predictor } from "./Predictor.ts"

/**
 * Applies a network to batches in inference mode and counts how well it does.
 *
 * The loss is the plain mean cross-entropy (nats): neither smoothing nor class weights, so that runs compare.
 */
export const evaluate = Effect.fn("evaluate")(function* <E, R>(
  predictor: Predictor,
  batches: Stream.Stream<Batch, E, R>,
  options: { readonly part: string; readonly samples: number; readonly classes: number }
) {
  let evaluation = Evaluation.empty(options.classes)
  yield* Stream.runForEach(
    batches,
    Effect.fnUntraced(function* (batch: Batch) {
      const logits = yield* predictor.predict(batch)
      batch.release?.()
      evaluation = Evaluation.add(evaluation, logits, batch.labels)
      yield* report({ _tag: "Evaluating", part: options.part, done: evaluation.samples, total: options.samples })
    })
  )
  return evaluation
})
