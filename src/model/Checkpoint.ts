import { Effect, Schema } from "effect"
import { EpochRecord, LedgerCounts, RanOn } from "../metrics/Report.ts"
import type { SessionState } from "./Engine.ts"
import { Lost } from "../pipeline/Losses.ts"
import type { Header } from "./safetensors.ts"
import { seal, SealBroken, unseal } from "./sealed.ts"
import type { Tensor, Weights } from "./Tensor.ts"

/** A training's progress between two steps. */
export const TrainingState = Schema.Struct({
  /** Steps that are done, over the whole run. */
  step: Schema.Natural,
  /** Epochs that are done. */
  epoch: Schema.Natural,
  /** Batches that are done of the epoch in progress. */
  position: Schema.Natural,
  /** Sums over these batches: the samples' losses, correct predictions, samples, seconds, seconds of waiting. */
  sums: Schema.Struct({
    loss: Schema.Finite,
    /** Not a whole number where images are mixed. */
    correct: Schema.Finite,
    seen: Schema.Natural,
    seconds: Schema.Finite,
    waiting: Schema.Finite,
    /** Of each label column, where there are several: correct predictions, and how many there could have been. */
    columns: Schema.optionalKey(Schema.Array(Schema.Struct({ correct: Schema.Finite, seen: Schema.Finite })))
  }),
  history: Schema.Array(EpochRecord),
  /** The best epoch so far (from 1), and its value of the monitored metric. */
  best: Schema.NullOr(Schema.Struct({ epoch: Schema.Natural, figure: Schema.Finite })),
  /** For early stopping. */
  epochsWithoutBetter: Schema.Natural,
  /** How many epochs the equal mean of the weights is of, where one is kept. */
  averaged: Schema.optionalKey(Schema.Natural),
  /** The samples that have left, in the order in which they did. A sample that has left does not come back. */
  lost: Schema.Array(Lost),
  /** The engines of the steps of the epoch in progress. */
  ranOn: Schema.optionalKey(Schema.Array(RanOn)),
  /** Seconds of work on the run so far, over all its processes; absent in checkpoints of Weft 0.1. */
  seconds: Schema.optionalKey(Schema.Finite)
})
export type TrainingState = typeof TrainingState.Type

/** Before the first step. */
export const begin: TrainingState = {
  step: 0,
  epoch: 0,
  position: 0,
  sums: { loss: 0, correct: 0, seen: 0, seconds: 0, waiting: 0 },
  history: [],
  best: null,
  epochsWithoutBetter: 0,
  lost: []
}

/** Everything that a run needs to go on as if it had never stopped. */
export interface Checkpoint {
  /** Names the configuration and the data: a run never goes on from another run's checkpoint. */
  readonly digest: string
  readonly ledger: LedgerCounts
  readonly training: TrainingState
  readonly session: SessionState
}

/** The weights of the best epoch so far. */
export interface BestWeights {
  /** As a checkpoint's. */
  readonly digest: string
  /** From 1. */
  readonly epoch: number
  /** Steps that made them. */
  readonly step: number
  /** The epoch's value of the monitored metric. */
  readonly figure: number
  readonly weights: Weights
}

/**
 * A checkpoint cannot be used. `torn`: its bytes are not those that were written. `foreign`: it belongs to
 * another configuration or other data. `otherFormat`: it is of another version of Weft, or no checkpoint at all.
 */
export class CheckpointRefused extends Schema.TaggedError<CheckpointRefused>()("CheckpointRefused", {
  reason: Schema.Literals(["torn", "foreign", "otherFormat", "unreadable"]),
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }
}

// A change of these schemas, or of the tensors' names, needs a new number here, so that older files are refused and not
// misread.
const checkpointFormat = "weft-checkpoint-2"
const bestFormat = "weft-best-1"

const CheckpointFacts = Schema.fromJsonString(
  Schema.Struct({
    digest: Schema.String,
    ledger: LedgerCounts,
    training: TrainingState,
    optimizerStep: Schema.Natural
  })
)
const BestFacts = Schema.fromJsonString(
  Schema.Struct({ digest: Schema.String, epoch: Schema.Natural, step: Schema.Natural, figure: Schema.Finite })
)

const prefixed = (prefix: string, weights: Weights): ReadonlyArray<readonly [string, Tensor]> =>
  Array.from(weights, ([name, tensor]) => [prefix + name, tensor] as const)

const withPrefix = (prefix: string, tensors: Weights): Weights =>
  new Map(
    Array.from(tensors, ([name, tensor]) => [name, tensor] as const)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor])
  )

/**
 * A checkpoint as a sealed safetensors file: tensors `model.NAME`, `optimizer.NAME`, `average.NAME`, the rest as JSON.
 */
export const encodeCheckpoint = Effect.fnUntraced(function* ({ digest, ledger, session, training }: Checkpoint) {
  const { slots, step: optimizerStep } = session.optimizer
  const tensors = new Map([
    ...prefixed("model.", session.weights),
    ...prefixed("optimizer.", slots),
    ...prefixed("average.", session.average ?? new Map())
  ])
  // A state that we made can be encoded: it never contains NaN or infinities.
  const facts = yield* Effect.orDie(Schema.encodeEffect(CheckpointFacts)({ digest, ledger, training, optimizerStep }))
  return yield* seal(tensors, checkpointFormat, facts)
})

/** The best weights as a sealed safetensors file: tensors by their own names, the rest as JSON. */
export const encodeBest = Effect.fnUntraced(function* ({ weights, ...facts }: BestWeights) {
  return yield* seal(weights, bestFormat, yield* Effect.orDie(Schema.encodeEffect(BestFacts)(facts)))
})

const refuse = (error: SealBroken | Schema.SchemaError) =>
  error instanceof SealBroken
    ? new CheckpointRefused({ reason: error.reason, detail: error.detail })
    : new CheckpointRefused({ reason: "otherFormat", detail: `its facts about the run are invalid: ${error.message}` })

const assertOwn = (digests: ReadonlyArray<string>, found: string) =>
  digests.includes(found)
    ? Effect.void
    : Effect.fail(
        new CheckpointRefused({ reason: "foreign", detail: "it belongs to another configuration or to other data" })
      )

/** The checkpoint in a file's bytes, if it is whole and of the run that one of the digests names. */
export const decodeCheckpoint = Effect.fnUntraced(function* (bytes: Uint8Array, digests: ReadonlyArray<string>) {
  const { facts, tensors } = yield* Effect.mapError(unseal(bytes, checkpointFormat), refuse)
  const { optimizerStep, ...rest } = yield* Effect.mapError(Schema.decodeEffect(CheckpointFacts)(facts), refuse)
  yield* assertOwn(digests, rest.digest)
  const average = withPrefix("average.", tensors)
  const checkpoint: Checkpoint = {
    ...rest,
    session: {
      weights: withPrefix("model.", tensors),
      optimizer: { step: optimizerStep, slots: withPrefix("optimizer.", tensors) },
      ...(average.size > 0 && { average })
    }
  }
  return checkpoint
})

/** How many epochs a run had done at a checkpoint, by the metadata of its file's header alone. */
export const epochsOf = (metadata: Header["metadata"]) =>
  Effect.map(
    Effect.mapError(Schema.decodeEffect(CheckpointFacts)(metadata["facts"] ?? ""), refuse),
    ({ training }) => training.epoch
  )

/** The best weights in a file's bytes, if they are whole and of the run that one of the digests names. */
export const decodeBest = Effect.fnUntraced(function* (bytes: Uint8Array, digests: ReadonlyArray<string>) {
  const { facts, tensors } = yield* Effect.mapError(unseal(bytes, bestFormat), refuse)
  const rest = yield* Effect.mapError(Schema.decodeEffect(BestFacts)(facts), refuse)
  yield* assertOwn(digests, rest.digest)
  const best: BestWeights = { ...rest, weights: tensors }
  return best
})
