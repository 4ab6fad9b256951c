import { Effect, Result, Stream } from "effect"
import type { Batch, Missed } from "../pipeline/Batch.ts"
import { report } from "../pipeline/Progress.ts"
import type { EngineError } from "./Engine.ts"
import type { Predictor } from "./Predictor.ts"

/** A part of the catalogue, as progress names it. */
export interface MeasuredPart {
  readonly part: string
  readonly samples: number
  readonly classes: number
}

/** A predictor and what takes its logits (size, classes) of each batch; `done` are the samples before it. */
export interface Asked {
  readonly predictor: Predictor
  readonly take: (logits: Float32Array, batch: Batch, done: number) => void
}

/**
 * Gives every batch of a part to all predictors, so that it is made once; at each one's place what ended it, or nothing.
 *
 * One that fails is asked no more, and the others go on; an error of the batches ends all. `images` are those that were
 * made, `missed` the samples of the part that have left the run.
 */
export const predictTogether = Effect.fn("predictTogether")(function* <E, R>(
  asked: ReadonlyArray<Asked>,
  batches: Stream.Stream<Batch, E, R>,
  { part, samples }: MeasuredPart
) {
  const failures: Array<EngineError | undefined> = asked.map(() => undefined)
  let images = 0
  const missed: Array<Missed> = []
  yield* Stream.runForEachWhile(
    batches,
    Effect.fnUntraced(function* (batch: Batch) {
      missed.push(...(batch.lost ?? []))
      for (const [i, { predictor, take }] of asked.entries()) {
        // Not even an empty batch reaches a network.
        if (batch.size === 0) break
        if (failures[i] !== undefined) continue
        const logits = yield* Effect.result(predictor.predict(batch))
        if (Result.isSuccess(logits)) take(logits.success, batch, images)
        else failures[i] = logits.failure
      }
      batch.release?.()
      images += batch.size
      yield* report({ _tag: "Evaluating", part, done: images, total: samples })
      return failures.includes(undefined)
    })
  )
  return {
    failures: failures as ReadonlyArray<EngineError | undefined>,
    images,
    missed: missed as ReadonlyArray<Missed>
  }
})
