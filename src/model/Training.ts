import { Clock, Effect, Ref, Stream } from "effect"
import { accuracyOf, lossOf } from "../metrics/Evaluation.ts"
import type { EpochRecord, LedgerCounts } from "../metrics/Report.ts"
import { batchCorrect } from "../metrics/topK.ts"
import type { Batch } from "../pipeline/Batch.ts"
import { report } from "../Progress.ts"
import type { TrainingState } from "./Checkpoint.ts"
import { begin } from "./Checkpoint.ts"
import type { PassedOver } from "./Checkpoints.ts"
import { Checkpoints } from "./Checkpoints.ts"
import type { Session } from "./Engine.ts"
import { modelWeights } from "./Engine.ts"
import { evaluate } from "./evaluate.ts"
import { learningRateAt } from "./schedule.ts"
import type { TrainConfig } from "./TrainConfig.ts"
import { BestWeightsLost, ForeignCheckpoints, TrainingDiverged } from "./TrainingErrors.ts"

/** What is trained on, and how. */
export interface TrainingOptions<E, R> {
  readonly session: Session
  readonly config: TrainConfig
  readonly classes: number
  readonly samples: { readonly train: number; readonly validation: number }
  /** The batches of an epoch (from 0), from a position (in batches) on. */
  readonly trainingBatches: (epoch: number, from: number) => Stream.Stream<Batch, E, R>
  readonly validationBatches: Stream.Stream<Batch, E, R>
  /** Names this run's configuration and data: a checkpoint of another is not used. */
  readonly digest: string
  /** What became of the catalogue's rows. */
  readonly ledger: LedgerCounts
  /** Rows that are faulty, for the progress line. */
  readonly faults: number
}

/**
 * Trains until the epochs are done, or until the monitored figure no longer gets better.
 *
 * Goes on from the newest valid checkpoint of the same configuration and data, where there is one; the weights are then
 * those of a run that was never stopped, bit for bit on a CPU engine. Interrupted, it leaves a checkpoint.
 */
export const train = Effect.fn("Training.train")(function* <E, R>(options: TrainingOptions<E, R>) {
  const { config } = options
  const state = yield* Ref.make(yield* resume(options))
  const save = saveCheckpoint(options, state)
  yield* Effect.gen(function* () {
    while (!isFinished(config, yield* Ref.get(state))) {
      yield* trainEpoch(options, state, save)
      yield* finishEpoch(options, state)
      yield* save
    }
  }).pipe(Effect.onInterrupt(() => save))
  const { best, history } = yield* Ref.get(state)
  const wantsBest = config.select === "best" || config.earlyStopping !== undefined
  const chosenEpoch = wantsBest && best !== null ? best.epoch : history.length
  if (chosenEpoch !== history.length) yield* restoreBest(options)
  return { history, chosenEpoch, stoppedEarly: history.length < config.epochs }
})

const stepsPerEpoch = <E, R>({ config, samples }: TrainingOptions<E, R>) => Math.ceil(samples.train / config.batchSize)

/** A quotient that is 0 where no time has passed: a clock may be coarse. */
const per = (amount: number, seconds: number) => (seconds > 0 ? amount / seconds : 0)

const isFinished = (config: TrainConfig, state: TrainingState) =>
  state.epoch >= config.epochs ||
  (config.earlyStopping !== undefined && state.epochsWithoutBetter >= config.earlyStopping.patience)

const resume = Effect.fn("Training.resume")(function* <E, R>({ config, digest, session }: TrainingOptions<E, R>) {
  const checkpoints = yield* Checkpoints
  const { checkpoint, passedOver } = yield* checkpoints.latest(digest)
  yield* reportPassedOver(passedOver)
  if (checkpoint === undefined) {
    if (passedOver.some(({ reason }) => reason === "foreign")) return yield* new ForeignCheckpoints()
    return begin
  }
  yield* session.restore(checkpoint.session)
  const { epoch, position } = checkpoint.training
  const where = `at epoch ${epoch + 1}, after ${position} steps of it`
  yield* report({
    _tag: "Note",
    line: isFinished(config, checkpoint.training) ? "the training is done already" : `going on ${where}`
  })
  return checkpoint.training
})

const saveCheckpoint = Effect.fn("Training.save")(function* <E, R>(
  { digest, ledger, session }: TrainingOptions<E, R>,
  state: Ref.Ref<TrainingState>
) {
  const checkpoints = yield* Checkpoints
  yield* checkpoints.save({ digest, ledger, session: yield* session.snapshot, training: yield* Ref.get(state) })
})

const reportPassedOver = (passedOver: ReadonlyArray<PassedOver>) =>
  Effect.forEach(
    passedOver,
    ({ detail, file }) => report({ _tag: "Note", line: `the checkpoint ${file} is not used: ${detail}` }),
    { discard: true }
  )

const restoreBest = Effect.fn("Training.restoreBest")(function* <E, R>({ digest, session }: TrainingOptions<E, R>) {
  const checkpoints = yield* Checkpoints
  const { best, passedOver } = yield* checkpoints.best(digest)
  yield* reportPassedOver(passedOver)
  if (best === undefined) return yield* new BestWeightsLost()
  const { optimizer } = yield* session.snapshot
  yield* session.restore({ weights: best.weights, optimizer })
})

const trainEpoch = Effect.fn("Training.epoch")(function* <E, R, E2, R2>(
  options: TrainingOptions<E, R>,
  state: Ref.Ref<TrainingState>,
  save: Effect.Effect<void, E2, R2>
) {
  const { epoch, position } = yield* Ref.get(state)
  const { everySteps } = options.config.checkpoint
  const start = yield* Clock.currentTimeNanos
  let since: Since = { end: start, asked: start }
  yield* Stream.runForEach(
    options.trainingBatches(epoch, position),
    Effect.fnUntraced(function* (batch: Batch) {
      // An interruption waits for the step's end: the weights and what is known of them change together.
      const end = yield* Effect.uninterruptible(trainStep(options, state, batch, since))
      const { step } = yield* Ref.get(state)
      if (everySteps !== undefined && step % everySteps === 0) yield* save
      since = { end, asked: yield* Clock.currentTimeNanos }
    })
  )
})

/** When the last step ended and when the next batch was asked for: in between, a checkpoint may have been written. */
interface Since {
  readonly end: bigint
  readonly asked: bigint
}

const trainStep = Effect.fnUntraced(function* <E, R>(
  options: TrainingOptions<E, R>,
  state: Ref.Ref<TrainingState>,
  batch: Batch,
  since: Since
) {
  const { config, session } = options
  const steps = stepsPerEpoch(options)
  const before = yield* Ref.get(state)
  const { epoch, step } = before
  const learningRate = learningRateAt(config, { step, stepsPerEpoch: steps })
  const start = yield* Clock.currentTimeNanos
  const { logits, loss } = yield* session.train(batch, { step, learningRate })
  batch.release?.()
  const end = yield* Clock.currentTimeNanos
  if (!Number.isFinite(loss))
    return yield* new TrainingDiverged({ epoch, step: before.position, learningRate, loss: String(loss) })
  const sums = {
    loss: before.sums.loss + loss * batch.size,
    correct: before.sums.correct + batchCorrect(logits, batch, options.classes),
    seen: before.sums.seen + batch.size,
    seconds: before.sums.seconds + Number(end - since.end) / 1e9,
    waiting: before.sums.waiting + Number(start - since.asked) / 1e9
  }
  const position = before.position + 1
  yield* Ref.set(state, { ...before, step: step + 1, position, sums })
  const imagesPerSecond = per(sums.seen, sums.seconds)
  yield* report({
    _tag: "Step",
    epoch,
    epochs: config.epochs,
    step: position,
    steps,
    loss: sums.loss / sums.seen,
    accuracy: sums.correct / sums.seen,
    imagesPerSecond,
    waiting: per(sums.waiting, sums.seconds),
    secondsLeft: per((config.epochs - epoch) * options.samples.train - sums.seen, imagesPerSecond),
    refused: options.faults
  })
  return end
})

const finishEpoch = Effect.fn("Training.finishEpoch")(function* <E, R>(
  options: TrainingOptions<E, R>,
  state: Ref.Ref<TrainingState>
) {
  const { classes, config, samples, session, validationBatches } = options
  const before = yield* Ref.get(state)
  const { sums } = before
  const start = yield* Clock.currentTimeNanos
  const validation =
    samples.validation === 0
      ? undefined
      : yield* evaluate(session, validationBatches, { part: "validation", samples: samples.validation, classes })
  const seconds = sums.seconds + Number((yield* Clock.currentTimeNanos) - start) / 1e9
  const record: EpochRecord = {
    epoch: before.epoch + 1,
    trainLoss: sums.loss / sums.seen,
    trainAccuracy: sums.correct / sums.seen,
    validationLoss: validation === undefined ? null : lossOf(validation),
    validationAccuracy: validation === undefined ? null : accuracyOf(validation),
    learningRate: learningRateAt(config, { step: before.step - 1, stepsPerEpoch: stepsPerEpoch(options) }),
    imagesPerSecond: per(sums.seen, sums.seconds),
    seconds,
    waiting: per(sums.waiting, sums.seconds)
  }
  const figure = record[config.monitor]
  const isBest = figure !== null && (before.best === null || gain(config, before.best.figure, figure) > 0)
  if (isBest) yield* saveBest(options, before.step, record.epoch, figure)
  yield* Ref.set(state, {
    ...begin,
    step: before.step,
    epoch: record.epoch,
    history: [...before.history, record],
    best: isBest ? { epoch: record.epoch, figure } : before.best,
    epochsWithoutBetter: isBest ? 0 : before.epochsWithoutBetter + 1
  })
  yield* report({ _tag: "Epoch", epochs: config.epochs, record, best: isBest })
})

/** By how much a figure is better than the best one, beyond what counts. */
const gain = ({ earlyStopping, monitor }: TrainConfig, best: number, figure: number) =>
  (monitor === "validationLoss" ? best - figure : figure - best) - (earlyStopping?.minDelta ?? 0)

const saveBest = Effect.fn("Training.saveBest")(function* <E, R>(
  { digest, session }: TrainingOptions<E, R>,
  step: number,
  epoch: number,
  figure: number
) {
  const checkpoints = yield* Checkpoints
  const weights = modelWeights(yield* session.snapshot)
  yield* checkpoints.saveBest({ digest, epoch, step, figure, weights })
})
