import { Array as Arrays, Clock, Effect, Result, Stream } from "effect"
import type { ColumnsEvaluation, Correct } from "../metrics/columns.ts"
import { accuracyOf, batchCorrect, batchLabels, byColumn, lossOf } from "../metrics/columns.ts"
import type { EpochRecord, LedgerCounts, RanOn } from "../metrics/Report.ts"
import type { Batch, Missed } from "../pipeline/Batch.ts"
import { elementAt } from "../pipeline/elementAt.ts"
import type { LabelColumn } from "../pipeline/LabelColumn.ts"
import type { Losses, Lost } from "../pipeline/Losses.ts"
import { withMissed } from "../pipeline/Losses.ts"
import { report } from "../pipeline/Progress.ts"
import type { TrainingState } from "./Checkpoint.ts"
import { begin } from "./Checkpoint.ts"
import type { CheckpointError, PassedOver } from "./Checkpoints.ts"
import { Checkpoints } from "./Checkpoints.ts"
import type { EngineError, Session, StepResult } from "./Engine.ts"
import { modelWeights } from "./Engine.ts"
import { epochsInMean, meanWith } from "./average.ts"
import { evaluateTogether } from "./measure.ts"
import { learningRateAt } from "./schedule.ts"
import type { TrainConfig } from "./TrainConfig.ts"
import { BestWeightsLost, ForeignCheckpoints, TrainedFurther, TrainingDiverged } from "./trainingFaults.ts"

/** One network that is trained, and how. */
export interface LearnerOptions {
  /** The trial's id, where the run is one of many: progress names it. */
  readonly trial?: string | undefined
  readonly session: Session
  readonly config: TrainConfig
  readonly checkpoints: Checkpoints["Service"]
  /** Names this run's configuration and data: a checkpoint of another is not used. */
  readonly digest: string
  /** Digests that the run had before it was trained longer: their checkpoints are its own as well. */
  readonly former?: ReadonlyArray<string> | undefined
  /** Epochs after which it pauses, as if it were interrupted there; where left out, it trains to its end. */
  readonly until?: number | undefined
  /** The engine that its steps run on, for the history. */
  readonly ranOn?: RanOn | undefined
  /** When this process began the run, in nanoseconds of the monotonic clock; where left out, when it is opened. */
  readonly start?: bigint | undefined
  /**
   * Run once its checkpoints have been checked, before the first step: records that the run has begun. `history` has the
   * epochs that are done.
   */
  readonly begin?: ((history: ReadonlyArray<EpochRecord>) => Effect.Effect<void, CheckpointError>) | undefined
  /** Run after each epoch, once its checkpoint is written: loggers follow the run by it. */
  readonly epochDone?: ((history: ReadonlyArray<EpochRecord>) => Effect.Effect<void>) | undefined
}

/** The batches that learners train on and are validated on: the same for all, and each made once. */
export interface TrainingData<E, R> {
  readonly columns: ReadonlyArray<LabelColumn>
  /** The factor of each column's loss; 1 where left out. */
  readonly lossWeights?: ReadonlyArray<number> | undefined
  readonly samples: { readonly train: number; readonly validation: number }
  /** The counts of the catalogue's rows. */
  readonly ledger: LedgerCounts
  /** The samples that have left, the same for all learners, and the number of faulty rows. */
  readonly losses: Losses
  /** The batches of an epoch (from 0), from a position (in batches) on. All learners have the same size of batches. */
  readonly trainingBatches: (epoch: number, from: number) => Stream.Stream<Batch, E, R>
  readonly validationBatches: Stream.Stream<Batch, E, R>
}

/** Facts about the batches that are known without making one. */
type DataFacts = Omit<TrainingData<never, never>, "trainingBatches" | "validationBatches">

/** The data and settings of a training. */
export interface TrainingOptions<E, R> extends TrainingData<E, R>, Omit<LearnerOptions, "checkpoints"> {}

/** The errors that end one learner and leave the others alone. */
export type LearnerError =
  | TrainingDiverged
  | EngineError
  | CheckpointError
  | ForeignCheckpoints
  | TrainedFurther
  | BestWeightsLost

/** The epochs so far. */
type History = ReadonlyArray<EpochRecord>

/** The result of a finished training; the session then has the weights of the chosen epoch. */
export interface Trained {
  readonly history: History
  /** From 1. */
  readonly chosenEpoch: number
  readonly stoppedEarly: boolean
  /** Seconds of earlier processes' work on the run. */
  readonly secondsBefore: number
  /** The samples that have left. */
  readonly lost: ReadonlyArray<Lost>
}

/**
 * How a training or a whole run ended, and its result where it finished. `paused`: it stopped at `until`, and can go
 * on. `history` has the epochs so far.
 */
export type Outcome<Done, Failure> =
  | ({ readonly state: "finished" } & Done)
  | { readonly state: "paused"; readonly history: History }
  | { readonly state: "diverged" | "failed"; readonly error: Failure; readonly history: History }

/** The outcome of a training or a run that ended by an error. */
export const failure = <Failure extends { readonly _tag: string }>(error: Failure, history: History = []) => ({
  state: error._tag === "TrainingDiverged" ? ("diverged" as const) : ("failed" as const),
  error,
  history
})

/** Images that were made for learners, and how many would have been made for each learner alone. */
export interface Passes {
  readonly wanted: number
  readonly made: number
}

export const noPasses: Passes = { wanted: 0, made: 0 }

export const addPasses = (a: Passes, b: Passes): Passes => ({ wanted: a.wanted + b.wanted, made: a.made + b.made })

/**
 * Trains until the epochs are done, or the monitored metric no longer improves.
 *
 * Goes on from the newest valid checkpoint of the same configuration and data, where there is one; the weights are then
 * those of a run that was never stopped, bit for bit on a CPU engine. Interrupted, or ended by an error of the batches,
 * it leaves a checkpoint.
 */
export const train = Effect.fn("Training.train")(function* <E, R>(options: TrainingOptions<E, R>) {
  const { ended } = yield* trainTogether([{ ...options, checkpoints: yield* Checkpoints }], options)
  const [{ outcome }] = ended
  if ("error" in outcome) return yield* outcome.error
  return { chosenEpoch: outcome.history.length, stoppedEarly: false, secondsBefore: 0, ...outcome }
})

/**
 * Trains any number of learners on the same batches, each of which is made once; see `train`.
 *
 * Every learner has its own state, schedule, checkpoints and end, and its result is the one that it would have alone.
 * One that fails or diverges ends alone; an error of the batches ends all. Learners that go on from checkpoints may be
 * at different steps: the batches begin with the earliest, and the others wait for theirs.
 */
export const trainTogether = Effect.fn("Training.trainTogether")(function* <One extends LearnerOptions, E, R>(
  options: Arrays.NonEmptyReadonlyArray<One>,
  data: TrainingData<E, R>
) {
  let passes = noPasses
  const learners = yield* Effect.forEach(options, (one) => openLearner(one, data))
  yield* Effect.gen(function* () {
    for (;;) {
      const learning = learners.filter(isLearning)
      if (learning.length === 0) return
      const epoch = Math.min(...learning.map(({ state }) => state.epoch))
      const there = learning.filter(({ state }) => state.epoch === epoch)
      passes = addPasses(passes, yield* trainEpoch(there, epoch, data))
      passes = addPasses(passes, yield* validate(there.filter(isLearning), data))
    }
  }).pipe(
    // An error of all learners may pass, as an interruption does: images come back, memory is freed. So each leaves a
    // checkpoint.
    Effect.tapError(() => Effect.ignore(saveAll(learners))),
    Effect.onInterrupt(() => saveAll(learners))
  )
  const ended = yield* Effect.forEach(Arrays.zip(options, learners), ([one, learner]) =>
    Effect.map(outcomeOf(learner), (outcome) => ({ one, outcome }))
  )
  return { ended, passes }
})

const outcomeOf = (learner: Learner): Effect.Effect<Outcome<Trained, LearnerError>> => {
  const { history } = learner.state
  if (learner.failure !== undefined) return Effect.succeed(failure(learner.failure, history))
  if (!isFinished(learner)) return Effect.succeed({ state: "paused", history })
  return Effect.match(choose(learner), {
    onSuccess: (trained) => ({ state: "finished" as const, ...trained }),
    onFailure: (error) => failure(error, history)
  })
}

/** A learner that cannot be saved does not keep the others from being saved. */
const saveAll = Effect.fnUntraced(function* (learners: ReadonlyArray<Learner>) {
  const [, [error]] = yield* Effect.partition(
    learners.filter(({ failure }) => failure === undefined),
    save
  )
  if (error !== undefined) return yield* error
})

/** Gives an epoch's batches to those learners in the epoch that have not had them yet. */
const trainEpoch = Effect.fn("Training.epoch")(function* <E, R>(
  learners: ReadonlyArray<Learner>,
  epoch: number,
  data: TrainingData<E, R>
) {
  yield* Effect.annotateCurrentSpan({ epoch: epoch + 1, learners: learners.length })
  let passes = noPasses
  let position = Math.min(...learners.map(({ state }) => state.position))
  let asked = yield* Clock.currentTimeNanos
  const waitFrom = (now: bigint) => {
    for (const learner of learners) if (learner.state.position > position) learner.end = now
  }
  for (const learner of learners) learner.end = asked
  yield* Stream.runForEachWhile(
    data.trainingBatches(epoch, position),
    Effect.fnUntraced(function* (batch: Batch) {
      const arrived = yield* Clock.currentTimeNanos
      const takers = learners.filter(({ failure, state }) => failure === undefined && state.position === position)
      waitFrom(arrived)
      passes = addPasses(passes, { made: batch.size, wanted: batch.size * takers.length })
      yield* trainStep(takers, batch, arrived - asked)
      batch.release?.()
      position++
      const learned = takers.filter(({ failure }) => failure === undefined)
      yield* reportStep(learned, data)
      for (const learner of learned) {
        const { everySteps } = learner.config.checkpoint
        if (everySteps !== undefined && learner.state.step % everySteps === 0) yield* attempt(learner, save(learner))
      }
      asked = yield* Clock.currentTimeNanos
      return learners.some(({ failure }) => failure === undefined)
    })
  )
  return passes
})

/** An interruption waits for the learner's step: weights and state change together. */
const trainStep = Effect.fn("Training.step")(function* (takers: ReadonlyArray<Learner>, batch: Batch, waited: bigint) {
  for (const learner of takers) {
    const step =
      batch.size === 0
        ? Effect.sync(() => skip(learner, batch))
        : Effect.flatMap(learner.session.train(batch, nextStep(learner)), (result) =>
            account(learner, batch, result, waited)
          )
    yield* Effect.uninterruptible(attempt(learner, step))
  }
})

/** Reports the epoch's progress: means over the learners that trained on the batch. */
const reportStep = Effect.fnUntraced(function* (learned: ReadonlyArray<Learner>, { losses, samples }: DataFacts) {
  const [first] = learned
  if (first === undefined) return
  const mean = (value: (learner: Learner) => number) =>
    learned.reduce((sum, learner) => sum + value(learner), 0) / learned.length
  const { epoch, position, sums } = first.state
  const epochs = Math.max(...learned.map(({ config, until }) => Math.min(config.epochs, until ?? Infinity)))
  const imagesPerSecond = per(sums.seen, sums.seconds)
  yield* report({
    _tag: "Step",
    epoch,
    epochs,
    step: position,
    steps: stepsPerEpoch(first),
    loss: mean(({ state }) => per(state.sums.loss, state.sums.seen)),
    accuracy: mean(({ state }) => trainAccuracyOf(state.sums)),
    imagesPerSecond,
    waiting: per(sums.waiting, sums.seconds),
    secondsLeft: per((epochs - epoch) * samples.train - sums.seen, imagesPerSecond),
    refused: losses.faults(),
    ...(first.trial !== undefined && { trials: learned.length })
  })
})

/** Ends the epoch of the learners that have had all its batches; the validation batches are made once for all. */
const validate = Effect.fn("Training.validate")(function* <E, R>(
  learners: ReadonlyArray<Learner>,
  data: TrainingData<E, R>
) {
  const { columns, samples, validationBatches } = data
  if (learners.length === 0) return noPasses
  const start = yield* Clock.currentTimeNanos
  const averaging = yield* averageEpoch(learners, data)
  const there = learners.filter(({ failure }) => failure === undefined)
  const { found, images, missed } =
    samples.validation === 0
      ? { found: there.map((owner) => ({ owner, found: undefined })), images: 0, missed: [] }
      : yield* evaluateTogether(
          there.map((owner) => ({ owner, predictor: owner.session })),
          validationBatches,
          { part: "validation", samples: samples.validation, columns }
        )
  const seconds = Number((yield* Clock.currentTimeNanos) - start) / 1e9
  // The metrics and the checkpoint of an epoch are saved together, one learner after the other.
  for (const one of found) yield* attempt(one.owner, finishEpoch(one.owner, one.found, missed, seconds))
  return addPasses(averaging, { made: images, wanted: images * there.length })
})

/**
 * At the end of an epoch, the equal mean of the weights of the learners that keep one, and its running statistics: the
 * mean over the epoch's batches, by the mean of the weights. Source: PyTorch's `torch.optim.swa_utils.update_bn`.
 */
const averageEpoch = Effect.fn("Training.average")(function* <E, R>(
  learners: ReadonlyArray<Learner>,
  { trainingBatches }: TrainingData<E, R>
) {
  let passes = noPasses
  const averaging = learners.filter(({ config }) => config.average?.kind === "swa")
  for (const learner of averaging) yield* Effect.uninterruptible(attempt(learner, takeMean(learner)))
  const begun = averaging.flatMap((learner) => {
    const { moveStatistics } = learner.session
    return moveStatistics === undefined || learner.failure !== undefined || (learner.state.averaged ?? 0) === 0
      ? []
      : [{ learner, moveStatistics }]
  })
  const [first] = begun
  if (first === undefined) return passes
  let batches = 0
  yield* Stream.runForEach(
    trainingBatches(first.learner.state.epoch, 0),
    Effect.fnUntraced(function* (batch: Batch) {
      const there = begun.filter(({ learner }) => learner.failure === undefined)
      for (const { learner } of there)
        learner.state = {
          ...learner.state,
          lost: withMissed(learner.state.lost, batch.lost ?? [], learner.state.epoch + 1)
        }
      if (batch.size === 0) return
      const share = 1 / ++batches
      for (const { learner, moveStatistics } of there)
        yield* Effect.uninterruptible(
          attempt(learner, moveStatistics(batch, { share, step: learner.state.step + batch.index }))
        )
      batch.release?.()
      passes = addPasses(passes, { made: batch.size, wanted: batch.size * there.length })
    })
  )
  return passes
})

/**
 * Takes the weights of an epoch into the mean; before it begins, the weights themselves are what is validated. Nothing is
 * done where an interrupted process has done it for this epoch.
 */
const takeMean = Effect.fnUntraced(function* (learner: Learner) {
  const { config, session, state } = learner
  const { average } = config
  if (average === undefined) return
  const count = epochsInMean(average, config.epochs, state.epoch + 1)
  if (count > 0 && state.averaged === count) return
  const before = yield* session.snapshot
  yield* session.restore({ ...before, average: meanWith(before.average ?? before.weights, before.weights, count) })
  learner.state = { ...state, averaged: count }
})

/** A learner that has been opened. */
interface Learner extends LearnerOptions {
  readonly data: DataFacts
  readonly start: bigint
  /** Seconds of earlier processes' work on the run. */
  secondsBefore: number
  state: TrainingState
  /** The state of the last checkpoint. */
  saved: TrainingState | undefined
  /** The error that ended it. */
  failure: LearnerError | undefined
  /** When its last step ended, or when it began to wait for its first, in nanoseconds. */
  end: bigint
}

/** Runs a learner's work; a failure ends this learner, and no other. */
const attempt = <R>(learner: Learner, work: Effect.Effect<void, LearnerError, R>) =>
  Effect.matchEffect(work, {
    onSuccess: () => Effect.void,
    onFailure: (error) => Effect.sync(() => void (learner.failure = error))
  })

/** Steps of an epoch. */
const stepsPerEpoch = ({ config, data }: Pick<Learner, "config" | "data">): number =>
  Math.ceil(data.samples.train / config.batchSize)

/** A quotient; 0 where no time has passed, as a clock may be coarse. */
const per = (amount: number, seconds: number): number => (seconds > 0 ? amount / seconds : 0)

type Sums = TrainingState["sums"]

/** The accuracy of the batches so far: the mean over the label columns of which a sample was known. */
const trainAccuracyOf = ({ columns, correct, seen }: Sums): number => {
  if (columns === undefined) return per(correct, seen)
  const known = columns.filter((column) => column.seen > 0)
  return per(
    known.reduce((sum, column) => sum + column.correct / column.seen, 0),
    known.length
  )
}

const addCorrect = (a: ReadonlyArray<Correct> | undefined, b: ReadonlyArray<Correct>): ReadonlyArray<Correct> =>
  a === undefined
    ? b
    : b.map(({ correct, seen }, k) => {
        const before = elementAt(a, k)
        return { correct: before.correct + correct, seen: before.seen + seen }
      })

/** Whether the epochs are done, or the monitored metric no longer improves. */
const isFinished = ({ config, state }: Pick<Learner, "config" | "state">): boolean =>
  state.epoch >= config.epochs ||
  (config.earlyStopping !== undefined && state.epochsWithoutBetter >= config.earlyStopping.patience)

/** Whether a learner is to be given batches. */
const isLearning = (learner: Learner): boolean =>
  learner.failure === undefined && !isFinished(learner) && learner.state.epoch < (learner.until ?? Infinity)

const note = (trial: string | undefined, line: string) =>
  report({ _tag: "Note", line, ...(trial !== undefined && { trial }) })

const reportPassedOver = (trial: string | undefined, passedOver: ReadonlyArray<PassedOver>) =>
  Effect.forEach(passedOver, ({ detail, file }) => note(trial, `the checkpoint ${file} is not used: ${detail}`), {
    discard: true
  })

/** A learner in the state of its newest valid checkpoint, or at the beginning. */
const openLearner = Effect.fn("Learner.open")(function* (options: LearnerOptions, data: DataFacts) {
  const learner: Learner = {
    ...options,
    data,
    start: options.start ?? (yield* Clock.currentTimeNanos),
    secondsBefore: 0,
    state: begin,
    saved: undefined,
    failure: undefined,
    end: 0n
  }
  yield* attempt(
    learner,
    Effect.andThen(
      resume(learner),
      Effect.suspend(() => options.begin?.(learner.state.history) ?? Effect.void)
    )
  )
  return learner
})

/** Seconds of work on a run until a checkpoint, over all its processes. */
const secondsOf = ({ history, seconds, sums }: TrainingState): number =>
  seconds ?? history.reduce((sum, record) => sum + record.seconds, sums.seconds)

/** The engines of the steps of the epoch in progress, this process's last. */
const ranOnOf = ({ ranOn, state }: Learner): ReadonlyArray<RanOn> => {
  const before = state.ranOn ?? []
  const last = before.at(-1)
  const isSame = last?.engine === ranOn?.engine && last?.device === ranOn?.device && last?.features === ranOn?.features
  return ranOn === undefined || isSame ? before : [...before, ranOn]
}

const resume = Effect.fn("Learner.resume")(function* (learner: Learner) {
  const { checkpoints, digest, former, session, trial } = learner
  const { checkpoint, passedOver } = yield* checkpoints.latest(digest, former)
  yield* reportPassedOver(trial, passedOver)
  if (checkpoint === undefined) {
    if (passedOver.some(({ reason }) => reason === "foreign")) return yield* new ForeignCheckpoints()
    return
  }
  const done = checkpoint.training.epoch + (checkpoint.training.position > 0 ? 1 : 0)
  if (done > learner.config.epochs) return yield* new TrainedFurther({ epochs: done })
  yield* session.restore(checkpoint.session)
  learner.state = learner.saved = checkpoint.training
  learner.secondsBefore = secondsOf(checkpoint.training)
  learner.data.losses.restore(checkpoint.training.lost)
  const { epoch, position } = checkpoint.training
  const where = `at epoch ${epoch + 1}, after ${position} steps of it`
  yield* note(trial, isFinished(learner) ? "the training is done already" : `going on ${where}`)
})

/** Writes a checkpoint, unless the last one is of this very state. */
const save = Effect.fn("Learner.save")(function* (learner: Learner) {
  const { checkpoints, data, digest, secondsBefore, session, start, state } = learner
  if (learner.saved === state) return
  const ranOn = state.position === 0 ? [] : ranOnOf(learner)
  const training: TrainingState = {
    ...state,
    ...(ranOn.length > 0 && { ranOn }),
    seconds: secondsBefore + Number((yield* Clock.currentTimeNanos) - start) / 1e9
  }
  yield* checkpoints.save({ digest, ledger: data.ledger, session: yield* session.snapshot, training })
  learner.saved = state
})

/** The learning rate of the next step, and its number. */
const nextStep = (learner: Learner) => {
  const { config, state } = learner
  const { step } = state
  return { step, learningRate: learningRateAt(config, { step, stepsPerEpoch: stepsPerEpoch(learner) }) }
}

/** The state after a batch, without what was learned from it. */
const afterBatch = (state: TrainingState, { lost = [] }: Batch): TrainingState => ({
  ...state,
  step: state.step + 1,
  position: state.position + 1,
  lost: withMissed(state.lost, lost, state.epoch + 1)
})

/** Counts a batch whose samples have all left: a step without training. */
const skip = (learner: Learner, batch: Batch): void => {
  learner.state = afterBatch(learner.state, batch)
}

/** Counts a step of the session. `waited`: how long the batch was waited for, in nanoseconds. */
const account = Effect.fnUntraced(function* (
  learner: Learner,
  batch: Batch,
  { logits, loss }: StepResult,
  waited: bigint
) {
  const { data, state } = learner
  const now = yield* Clock.currentTimeNanos
  if (!Number.isFinite(loss)) {
    const { epoch, position } = state
    const { learningRate } = nextStep(learner)
    return yield* new TrainingDiverged({ epoch, step: position, learningRate, loss: String(loss) })
  }
  const { sums } = state
  const right = batchCorrect(data.columns, logits, batchLabels(batch), batch.mix)
  learner.state = {
    ...afterBatch(state, batch),
    sums: {
      loss: sums.loss + loss * batch.size,
      correct: sums.correct + elementAt(right, 0).correct,
      ...(batch.columns !== undefined && { columns: addCorrect(sums.columns, right) }),
      seen: sums.seen + batch.size,
      seconds: sums.seconds + Number(now - learner.end) / 1e9,
      waiting: sums.waiting + Number(waited) / 1e9
    }
  }
  learner.end = now
})

/**
 * Records an epoch whose batches are done. `missed` are the samples that left in the validation, which took `seconds`.
 */
const finishEpoch = Effect.fn("Learner.finishEpoch")(function* (
  learner: Learner,
  validation: Result.Result<ColumnsEvaluation, EngineError> | undefined,
  missed: ReadonlyArray<Missed>,
  seconds: number
) {
  const { config, data, state: before, trial } = learner
  const evaluation = validation === undefined ? undefined : yield* Effect.fromResult(validation)
  const { sums } = before
  const ranOn = ranOnOf(learner)
  const columns = evaluation === undefined ? undefined : byColumn(data.columns, evaluation)
  const record: EpochRecord = {
    epoch: before.epoch + 1,
    trainLoss: sums.loss / sums.seen,
    trainAccuracy: trainAccuracyOf(sums),
    validationLoss: evaluation === undefined ? null : lossOf(evaluation, data.lossWeights),
    validationAccuracy: evaluation === undefined ? null : accuracyOf(evaluation),
    ...(columns && { validationColumns: columns }),
    learningRate: learningRateAt(config, { step: before.step - 1, stepsPerEpoch: stepsPerEpoch(learner) }),
    imagesPerSecond: per(sums.seen, sums.seconds),
    seconds: sums.seconds + seconds,
    waiting: per(sums.waiting, sums.seconds),
    ...(ranOn.length > 0 && { ranOn })
  }
  const metric = record[config.monitor]
  const isBest = metric !== null && (before.best === null || gain(config, before.best.figure, metric) > 0)
  if (isBest) yield* saveBest(learner, record.epoch, metric)
  learner.state = {
    ...begin,
    step: before.step,
    epoch: record.epoch,
    history: [...before.history, record],
    best: isBest ? { epoch: record.epoch, figure: metric } : before.best,
    epochsWithoutBetter: isBest ? 0 : before.epochsWithoutBetter + 1,
    ...(before.averaged !== undefined && { averaged: before.averaged }),
    lost: withMissed(before.lost, missed, record.epoch)
  }
  yield* report({
    _tag: "Epoch",
    epochs: config.epochs,
    record,
    best: isBest,
    ...(trial !== undefined && { trial })
  })
  yield* save(learner)
  if (learner.epochDone !== undefined) yield* learner.epochDone(learner.state.history)
})

/** The improvement of a metric over the best one, beyond `minDelta`. */
const gain = ({ earlyStopping, monitor }: TrainConfig, best: number, metric: number) =>
  (monitor === "validationLoss" ? best - metric : metric - best) - (earlyStopping?.minDelta ?? 0)

const saveBest = Effect.fn("Learner.saveBest")(function* (learner: Learner, epoch: number, metric: number) {
  const { checkpoints, digest, session, state } = learner
  const weights = modelWeights(yield* session.snapshot)
  yield* checkpoints.saveBest({ digest, epoch, step: state.step, figure: metric, weights })
})

/** Restores the weights that the run is to keep. */
const choose = Effect.fn("Learner.choose")(function* (learner: Learner) {
  const { checkpoints, config, digest, former, secondsBefore, session, state, trial } = learner
  const { best, history, lost } = state
  const wantsBest = config.select === "best" || config.earlyStopping !== undefined
  const chosenEpoch = wantsBest && best !== null ? best.epoch : history.length
  if (chosenEpoch !== history.length) {
    const { best: kept, passedOver } = yield* checkpoints.best(digest, former)
    yield* reportPassedOver(trial, passedOver)
    if (kept === undefined) return yield* new BestWeightsLost({ epoch: chosenEpoch })
    const isOther =
      kept.epoch !== chosenEpoch ||
      kept.step !== chosenEpoch * stepsPerEpoch(learner) ||
      !Object.is(kept.figure, best?.figure)
    if (isOther) {
      const found = `epoch ${kept.epoch}, step ${kept.step}, with a ${config.monitor} of ${kept.figure}`
      return yield* new BestWeightsLost({ epoch: chosenEpoch, found })
    }
    const { optimizer } = yield* session.snapshot
    yield* session.restore({ weights: kept.weights, optimizer })
  }
  const trained: Trained = { history, chosenEpoch, stoppedEarly: history.length < config.epochs, secondsBefore, lost }
  return trained
})
