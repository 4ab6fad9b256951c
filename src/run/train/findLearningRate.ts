import { Effect, Stream } from "effect"
import { Engines } from "../../model/Engines.ts"
import type { Sweep, SweepStep } from "../../model/lrFind.ts"
import { addStep, hasDiverged, suggestions, sweepRate } from "../../model/lrFind.ts"
import { planNetwork } from "../../model/NetworkPlan.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import { report } from "../../pipeline/Progress.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { openBatches } from "./openBatches.ts"
import { openRun, prepareRun } from "./open.ts"
import { completeConfig } from "./completeConfig.ts"
import { trainingData } from "./trainingData.ts"

/**
 * Trains for some steps at a rate that grows with each, and suggests a learning rate by how the loss moved.
 *
 * A trial training of the run's own network, weights, optimiser, augmentation and batches, without results. It ends
 * early where the loss is not a number, or more than four times the smallest. Sources: Smith, Cyclical Learning Rates
 * for Training Neural Networks, 2015; fastai's `lr_find`.
 */
export const findLearningRate = Effect.fn("findLearningRate")(function* (configured: RunConfig, sweep: Sweep) {
  const config = yield* completeConfig(configured)
  const { data, image, network, train } = config
  const networkPlan = yield* planNetwork(network, image, train, labelColumnsOf(data))
  const engine = yield* Engines.use((engines) => engines.choose(config.engine, networkPlan.smallest))
  const dataset = yield* trainingData(config)
  const run = yield* prepareRun({ config, networkPlan, former: [] }, dataset)
  const batches = yield* openBatches(engine, config, run, run.frozen, run.teachers)
  const { session } = yield* openRun(run, engine, batches.features)
  let steps: ReadonlyArray<SweepStep> = []
  const epochs = Math.ceil(sweep.steps / Math.ceil(run.training.length / train.batchSize))
  yield* Stream.range(0, epochs - 1).pipe(
    Stream.flatMap((epoch) => batches.training(epoch, 0)),
    Stream.take(sweep.steps),
    Stream.runForEachWhile(
      Effect.fnUntraced(function* (batch) {
        if (batch.size === 0) return true
        const step = steps.length
        const learningRate = sweepRate(sweep, step)
        const { loss } = yield* session.train(batch, { step, learningRate })
        batch.release?.()
        if (!Number.isFinite(loss)) return false
        steps = addStep(steps, learningRate, loss)
        yield* report({ _tag: "Evaluating", part: "learning rates", done: steps.length, total: sweep.steps })
        return !hasDiverged(steps)
      })
    )
  )
  return {
    engine: engine.info,
    ...sweep,
    /** Whether the loss rose so far that the sweep ended early. */
    stoppedEarly: steps.length < sweep.steps,
    suggestions: suggestions(steps, sweep.steps),
    curve: steps
  }
}, Effect.scoped)
export type LearningRates = Effect.Success<ReturnType<typeof findLearningRate>>
