import { Clock, Effect, Stream } from "effect"
import type { Batch } from "../pipeline/Batch.ts"
import { report } from "../pipeline/Progress.ts"
import { Checkpoints } from "./Checkpoints.ts"
import type { Course, Learner, LearnerError, LearnerOptions, Trained } from "./Learner.ts"
import {
  account,
  attempt,
  choose,
  finishEpoch,
  isFinished,
  isLearning,
  nextStep,
  openLearnerAt,
  per,
  save,
  skip,
  stepsPerEpoch
} from "./Learner.ts"
import { evaluateTogether } from "./measure.ts"

/** What is learned from. All learners have the same size of batches. */
export interface PassOptions<E, R> extends Course {
  /** The batches of an epoch (from 0), from a position (in batches) on. */
  readonly trainingBatches: (epoch: number, from: number) => Stream.Stream<Batch, E, R>
  readonly validationBatches: Stream.Stream<Batch, E, R>
}

/** What is trained on, and how. */
export interface TrainingOptions<E, R> extends PassOptions<E, R>, Omit<LearnerOptions, "checkpoints"> {}

/** How a learner's training ended. */
export type Ending =
  | ({ readonly state: "trained" } & Trained)
  | { readonly state: "paused"; readonly history: Trained["history"] }
  | { readonly state: "failed"; readonly error: LearnerError; readonly history: Trained["history"] }

/** Images that were made for learners, and how many it would have been if each learner had been alone. */
export interface Passes {
  wanted: number
  made: number
}

/**
 * Trains until the epochs are done, or until the monitored figure no longer gets better.
 *
 * Goes on from the newest valid checkpoint of the same configuration and data, where there is one; the weights are then
 * those of a run that was never stopped, bit for bit on a CPU engine. Interrupted, or ended by an error of the batches, it
 * leaves a checkpoint.
 */
export const train = Effect.fn("Training.train")(function* <E, R>(options: TrainingOptions<E, R>) {
  const { endings } = yield* trainTogether([{ ...options, checkpoints: yield* Checkpoints }], options)
  const ending = endings[0]! // of the one learner
  if (ending.state === "failed") return yield* Effect.fail(ending.error)
  return { chosenEpoch: ending.history.length, stoppedEarly: false, secondsBefore: 0, ...ending }
})

/**
 * Trains any number of learners on the same batches, each of which is made once; see `train`.
 *
 * Every learner has its own state, schedule, checkpoints and end, and its result is the one that it would have alone.
 * What fails or diverges ends alone; an error of the batches ends all. Learners that go on from checkpoints may be apart:
 * the batches begin with the earliest, and the others wait for theirs.
 */
export const trainTogether = Effect.fn("Training.trainTogether")(function* <E, R>(
  options: ReadonlyArray<LearnerOptions>,
  pass: PassOptions<E, R>
) {
  const passes: Passes = { wanted: 0, made: 0 }
  const learners = yield* Effect.forEach(options, (one) => openLearnerAt(one, pass))
  yield* Effect.gen(function* () {
    for (;;) {
      const learning = learners.filter(isLearning)
      if (learning.length === 0) return
      const epoch = Math.min(...learning.map(({ state }) => state.epoch))
      const there = learning.filter(({ state }) => state.epoch === epoch)
      yield* trainEpoch(there, pass, passes)
      yield* validate(there.filter(isLearning), pass, passes)
    }
  }).pipe(
    // What ends all can be mended, as an interruption can: images come back, memory is freed.
    Effect.tapError(() => Effect.ignore(saveAll(learners))),
    Effect.onInterrupt(() => saveAll(learners))
  )
  return { endings: yield* Effect.forEach(learners, endingOf), passes: passes as Readonly<Passes> }
})

const endingOf = Effect.fnUntraced(function* (learner: Learner) {
  const { state } = learner
  const { history } = state
  if (learner.failure !== undefined)
    return { state: "failed", error: learner.failure, history } satisfies Ending as Ending
  if (!isFinished(learner)) return { state: "paused", history } satisfies Ending as Ending
  return yield* Effect.match(choose(learner), {
    onSuccess: (trained): Ending => ({ state: "trained", ...trained }),
    onFailure: (error): Ending => ({ state: "failed", error, history })
  })
})

/** One that cannot be saved does not keep the others from it. */
const saveAll = Effect.fnUntraced(function* (learners: ReadonlyArray<Learner>) {
  const alive = learners.filter(({ failure }) => failure === undefined)
  const results = yield* Effect.forEach(alive, (learner) => Effect.result(save(learner)))
  yield* Effect.forEach(results, Effect.fromResult, { discard: true })
})

/** An epoch's batches, given to those learners of the epoch that have not had them yet. */
const trainEpoch = Effect.fn("Training.epoch")(function* <E, R>(
  learners: ReadonlyArray<Learner>,
  pass: PassOptions<E, R>,
  passes: Passes
) {
  const epoch = learners[0]!.state.epoch // there is at least one, and all are in the same
  let position = Math.min(...learners.map(({ state }) => state.position))
  let asked = yield* Clock.currentTimeNanos
  const waitFrom = (now: bigint) => {
    for (const learner of learners) if (learner.state.position > position) learner.end = now
  }
  for (const learner of learners) learner.end = asked
  yield* Stream.runForEachWhile(
    pass.trainingBatches(epoch, position),
    Effect.fnUntraced(function* (batch: Batch) {
      const arrived = yield* Clock.currentTimeNanos
      const takers = learners.filter(({ failure, state }) => failure === undefined && state.position === position)
      waitFrom(arrived)
      passes.made += batch.size
      passes.wanted += batch.size * takers.length
      yield* trainStep(takers, batch, arrived - asked)
      batch.release?.()
      position++
      const learned = takers.filter(({ failure }) => failure === undefined)
      yield* reportStep(learned, pass)
      for (const learner of learned) {
        const { everySteps } = learner.config.checkpoint
        if (everySteps !== undefined && learner.state.step % everySteps === 0) yield* attempt(learner, save(learner))
      }
      asked = yield* Clock.currentTimeNanos
      return learners.some(({ failure }) => failure === undefined)
    })
  )
})

/** An interruption waits for the learner's step: the weights and what is known of them change together. */
const trainStep = Effect.fnUntraced(function* (takers: ReadonlyArray<Learner>, batch: Batch, waited: bigint) {
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

/** How far the pass is: the means of all who learned from the batch. */
const reportStep = Effect.fnUntraced(function* (learned: ReadonlyArray<Learner>, { losses, samples }: Course) {
  const [first] = learned
  if (first === undefined) return
  const mean = (figure: (learner: Learner) => number) =>
    learned.reduce((sum, learner) => sum + figure(learner), 0) / learned.length
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
    accuracy: mean(({ state }) => per(state.sums.correct, state.sums.seen)),
    imagesPerSecond,
    waiting: per(sums.waiting, sums.seconds),
    secondsLeft: per((epochs - epoch) * samples.train - sums.seen, imagesPerSecond),
    refused: losses.faults(),
    ...(first.trial !== undefined && { trials: learned.length })
  })
})

/** Ends the epoch of those who have had all its batches; the validation part is made once for all. */
const validate = Effect.fn("Training.validate")(function* <E, R>(
  learners: ReadonlyArray<Learner>,
  { classes, samples, validationBatches }: PassOptions<E, R>,
  passes: Passes
) {
  if (learners.length === 0) return
  const start = yield* Clock.currentTimeNanos
  const part = { part: "validation", samples: samples.validation, classes }
  const sessions = learners.map(({ session }) => session)
  const measured = samples.validation === 0 ? undefined : yield* evaluateTogether(sessions, validationBatches, part)
  passes.made += measured?.images ?? 0
  passes.wanted += (measured?.images ?? 0) * learners.length
  const seconds = Number((yield* Clock.currentTimeNanos) - start) / 1e9
  for (const [i, learner] of learners.entries()) {
    // Their figures and their checkpoint are written down together, one learner after the other.
    yield* attempt(learner, finishEpoch(learner, measured?.found[i], measured?.missed ?? [], seconds))
  }
})
