import { Clock, Effect } from "effect"
import type { Result } from "effect"
import type { Evaluation } from "../metrics/Evaluation.ts"
import { accuracyOf, lossOf } from "../metrics/Evaluation.ts"
import type { EpochRecord, LedgerCounts, RanOn } from "../metrics/Report.ts"
import { batchCorrect } from "../metrics/topK.ts"
import type { Batch, Missed } from "../pipeline/Batch.ts"
import type { Losses, Lost } from "../pipeline/Losses.ts"
import { withMissed } from "../pipeline/Losses.ts"
import { report } from "../pipeline/Progress.ts"
import type { TrainingState } from "./Checkpoint.ts"
import { begin } from "./Checkpoint.ts"
import type { CheckpointError, Checkpoints, PassedOver } from "./Checkpoints.ts"
import type { EngineError, Session, StepResult } from "./Engine.ts"
import { modelWeights } from "./Engine.ts"
import { learningRateAt } from "./schedule.ts"
import type { TrainConfig } from "./TrainConfig.ts"
import { BestWeightsLost, ForeignCheckpoints, TrainingDiverged } from "./TrainingErrors.ts"

/** One network that is trained, and how. */
export interface LearnerOptions {
  /** The trial's id, where the run is one of many: progress names it. */
  readonly trial?: string | undefined
  readonly session: Session
  readonly config: TrainConfig
  readonly checkpoints: Checkpoints["Service"]
  /** Names this run's configuration and data: a checkpoint of another is not used. */
  readonly digest: string
  /** Epochs after which it pauses, as if it had been interrupted there; to its end where left out. */
  readonly until?: number | undefined
  /** On what its steps run, for the history. */
  readonly ranOn?: RanOn | undefined
  /** When this process began with the run, in nanoseconds of the monotonic clock; when it is opened where left out. */
  readonly start?: bigint | undefined
  /** Done once its checkpoints have been looked at and fit, before its first step: writing down that the run has begun. */
  readonly begin?: Effect.Effect<void, CheckpointError> | undefined
}

/** What all learners of a pass have in common. */
export interface Course {
  readonly classes: number
  readonly samples: { readonly train: number; readonly validation: number }
  /** What became of the catalogue's rows. */
  readonly ledger: LedgerCounts
  /** The samples that have left, which are the same for all, and how many rows are faulty. */
  readonly losses: Losses
}

/** What ends one learner, and touches no other. */
export type LearnerError = TrainingDiverged | EngineError | CheckpointError | ForeignCheckpoints | BestWeightsLost

/** A learner on its way. */
export interface Learner extends LearnerOptions {
  readonly course: Course
  readonly start: bigint
  /** That earlier processes were at work on the run. */
  secondsBefore: number
  state: TrainingState
  /** The state of the last checkpoint. */
  saved: TrainingState | undefined
  /** What ended it. */
  failure: LearnerError | undefined
  /** When its last step ended, or when it began to wait for its first: nanoseconds. */
  end: bigint
}

/** Lets a learner do something; where that fails, the learner has ended. */
export const attempt = <R>(learner: Learner, work: Effect.Effect<void, LearnerError, R>) =>
  Effect.matchEffect(work, {
    onSuccess: () => Effect.void,
    onFailure: (error) => Effect.sync(() => void (learner.failure = error))
  })

/** Steps of an epoch. */
export const stepsPerEpoch = ({ config, course }: Pick<Learner, "config" | "course">): number =>
  Math.ceil(course.samples.train / config.batchSize)

/** A quotient that is 0 where no time has passed: a clock may be coarse. */
export const per = (amount: number, seconds: number): number => (seconds > 0 ? amount / seconds : 0)

/** Whether the epochs are done, or the monitored figure no longer gets better. */
export const isFinished = ({ config, state }: Pick<Learner, "config" | "state">): boolean =>
  state.epoch >= config.epochs ||
  (config.earlyStopping !== undefined && state.epochsWithoutBetter >= config.earlyStopping.patience)

/** Whether a learner is to be given batches. */
export const isLearning = (learner: Learner): boolean =>
  learner.failure === undefined && !isFinished(learner) && learner.state.epoch < (learner.until ?? Infinity)

const note = (trial: string | undefined, line: string) =>
  report({ _tag: "Note", line, ...(trial !== undefined && { trial }) })

const reportPassedOver = (trial: string | undefined, passedOver: ReadonlyArray<PassedOver>) =>
  Effect.forEach(passedOver, ({ detail, file }) => note(trial, `the checkpoint ${file} is not used: ${detail}`), {
    discard: true
  })

/** A learner in the state of its newest valid checkpoint, or at the beginning. */
export const openLearnerAt = Effect.fn("Learner.open")(function* (options: LearnerOptions, course: Course) {
  const learner: Learner = {
    ...options,
    course,
    start: options.start ?? (yield* Clock.currentTimeNanos),
    secondsBefore: 0,
    state: begin,
    saved: undefined,
    failure: undefined,
    end: 0n
  }
  yield* attempt(learner, Effect.andThen(resume(learner), options.begin ?? Effect.void))
  return learner
})

/** That processes were at work on a run until a checkpoint. */
const secondsOf = ({ history, seconds, sums }: TrainingState): number =>
  seconds ?? history.reduce((sum, record) => sum + record.seconds, sums.seconds)

/** What the steps of the epoch in progress ran on, this process's last. */
const ranOnOf = ({ ranOn, state }: Learner): ReadonlyArray<RanOn> => {
  const before = state.ranOn ?? []
  const last = before.at(-1)
  const isSame = last?.engine === ranOn?.engine && last?.device === ranOn?.device && last?.features === ranOn?.features
  return ranOn === undefined || isSame ? before : [...before, ranOn]
}

const resume = Effect.fn("Learner.resume")(function* (learner: Learner) {
  const { checkpoints, digest, session, trial } = learner
  const { checkpoint, passedOver } = yield* checkpoints.latest(digest)
  yield* reportPassedOver(trial, passedOver)
  if (checkpoint === undefined) {
    if (passedOver.some(({ reason }) => reason === "foreign")) return yield* new ForeignCheckpoints()
    return
  }
  yield* session.restore(checkpoint.session)
  learner.state = learner.saved = checkpoint.training
  learner.secondsBefore = secondsOf(checkpoint.training)
  learner.course.losses.restore(checkpoint.training.lost)
  const { epoch, position } = checkpoint.training
  const where = `at epoch ${epoch + 1}, after ${position} steps of it`
  yield* note(trial, isFinished(learner) ? "the training is done already" : `going on ${where}`)
})

/** Writes a checkpoint, unless the last one is of this very state. */
export const save = Effect.fn("Learner.save")(function* (learner: Learner) {
  const { checkpoints, course, digest, secondsBefore, session, start, state } = learner
  if (learner.saved === state) return
  const ranOn = state.position === 0 ? [] : ranOnOf(learner)
  const training: TrainingState = {
    ...state,
    ...(ranOn.length > 0 && { ranOn }),
    seconds: secondsBefore + Number((yield* Clock.currentTimeNanos) - start) / 1e9
  }
  yield* checkpoints.save({ digest, ledger: course.ledger, session: yield* session.snapshot, training })
  learner.saved = state
})

/** The learning rate of the next step, and its number. */
export const nextStep = (learner: Learner) => {
  const { config, state } = learner
  const { step } = state
  return { step, learningRate: learningRateAt(config, { step, stepsPerEpoch: stepsPerEpoch(learner) }) }
}

/** The state after a batch, but for what was learned from it. */
const pass = (state: TrainingState, { lost = [] }: Batch): TrainingState => ({
  ...state,
  step: state.step + 1,
  position: state.position + 1,
  lost: withMissed(state.lost, lost, state.epoch + 1)
})

/** Counts a batch all of whose samples have left: a step in which nothing is learned. */
export const skip = (learner: Learner, batch: Batch): void => {
  learner.state = pass(learner.state, batch)
}

/** Counts a step that the session has made. `waited` are the nanoseconds for which the batch was not there. */
export const account = Effect.fnUntraced(function* (
  learner: Learner,
  batch: Batch,
  { logits, loss }: StepResult,
  waited: bigint
) {
  const { course, state } = learner
  const now = yield* Clock.currentTimeNanos
  if (!Number.isFinite(loss)) {
    const { epoch, position } = state
    const { learningRate } = nextStep(learner)
    return yield* new TrainingDiverged({ epoch, step: position, learningRate, loss: String(loss) })
  }
  const { sums } = state
  learner.state = {
    ...pass(state, batch),
    sums: {
      loss: sums.loss + loss * batch.size,
      correct: sums.correct + batchCorrect(logits, batch, course.classes),
      seen: sums.seen + batch.size,
      seconds: sums.seconds + Number(now - learner.end) / 1e9,
      waiting: sums.waiting + Number(waited) / 1e9
    }
  }
  learner.end = now
})

/** Writes down an epoch whose batches are done. `missed` has left by the validation, which took `seconds`. */
export const finishEpoch = Effect.fn("Learner.finishEpoch")(function* (
  learner: Learner,
  validation: Result.Result<Evaluation, EngineError> | undefined,
  missed: ReadonlyArray<Missed>,
  seconds: number
) {
  const { config, state: before, trial } = learner
  const evaluation = validation === undefined ? undefined : yield* Effect.fromResult(validation)
  const { sums } = before
  const ranOn = ranOnOf(learner)
  const record: EpochRecord = {
    epoch: before.epoch + 1,
    trainLoss: sums.loss / sums.seen,
    trainAccuracy: sums.correct / sums.seen,
    validationLoss: evaluation === undefined ? null : lossOf(evaluation),
    validationAccuracy: evaluation === undefined ? null : accuracyOf(evaluation),
    learningRate: learningRateAt(config, { step: before.step - 1, stepsPerEpoch: stepsPerEpoch(learner) }),
    imagesPerSecond: per(sums.seen, sums.seconds),
    seconds: sums.seconds + seconds,
    waiting: per(sums.waiting, sums.seconds),
    ...(ranOn.length > 0 && { ranOn })
  }
  const figure = record[config.monitor]
  const isBest = figure !== null && (before.best === null || gain(config, before.best.figure, figure) > 0)
  if (isBest) yield* saveBest(learner, record.epoch, figure)
  learner.state = {
    ...begin,
    step: before.step,
    epoch: record.epoch,
    history: [...before.history, record],
    best: isBest ? { epoch: record.epoch, figure } : before.best,
    epochsWithoutBetter: isBest ? 0 : before.epochsWithoutBetter + 1,
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
})

/** By how much a figure is better than the best one, beyond what counts. */
const gain = ({ earlyStopping, monitor }: TrainConfig, best: number, figure: number) =>
  (monitor === "validationLoss" ? best - figure : figure - best) - (earlyStopping?.minDelta ?? 0)

const saveBest = Effect.fn("Learner.saveBest")(function* (learner: Learner, epoch: number, figure: number) {
  const { checkpoints, digest, session, state } = learner
  const weights = modelWeights(yield* session.snapshot)
  yield* checkpoints.saveBest({ digest, epoch, step: state.step, figure, weights })
})

/** What a training that came to its end leaves; the session then has the weights of the chosen epoch. */
export interface Trained {
  readonly history: ReadonlyArray<EpochRecord>
  /** From 1. */
  readonly chosenEpoch: number
  readonly stoppedEarly: boolean
  /** That earlier processes were at work on the run. */
  readonly secondsBefore: number
  /** The samples that have left. */
  readonly lost: ReadonlyArray<Lost>
}

/** Takes the weights that the run is to keep. */
export const choose = Effect.fn("Learner.choose")(function* (learner: Learner) {
  const { checkpoints, config, digest, secondsBefore, session, state, trial } = learner
  const { best, history, lost } = state
  const wantsBest = config.select === "best" || config.earlyStopping !== undefined
  const chosenEpoch = wantsBest && best !== null ? best.epoch : history.length
  if (chosenEpoch !== history.length) {
    const { best: kept, passedOver } = yield* checkpoints.best(digest)
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
