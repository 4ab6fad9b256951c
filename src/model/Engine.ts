import { Context, Effect, Schema } from "effect"
import * as Runtime from "effect/Runtime"
import type { Scope } from "effect"
import type { Batch } from "../pipeline/Batch.ts"
import type { StepAverage } from "./average.ts"
import type { LossOptions } from "./loss.ts"
import type { Network } from "./Network.ts"
import type { Weights } from "./Tensor.ts"
import type { OptimizerConfig } from "./TrainConfig.ts"

/** An engine cannot run on this machine: why, and what to do. Exit code 4. */
export class EngineUnavailable extends Schema.TaggedError<EngineUnavailable>()("EngineUnavailable", {
  engine: Schema.String,
  reason: Schema.String,
  cure: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 4
  override get message() {
    return `The engine "${this.engine}" cannot run here: ${this.reason}. ${this.cure}`
  }
}

/** An engine failed: `leak` means that a tensor outlived its step. */
export class EngineError extends Schema.TaggedError<EngineError>()("EngineError", {
  engine: Schema.String,
  reason: Schema.Literals(["outOfMemory", "leak", "failed"]),
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message() {
    return `The engine "${this.engine}" failed: ${this.detail}`
  }
}

/** What to do when a tensor outlives its step: fail the run (in tests), or report it once and go on. */
export const LeakPolicy = Context.Reference<"fail" | "report">("weft/model/LeakPolicy", {
  defaultValue: () => "report"
})

/** Which parts of a network are trained when, and how fast. */
export interface Freezing {
  /**
   * From which step of the optimiser on which of the network's blocks is the first that is trained, the first entry from
   * step 0. The blocks before it run in inference mode, batch norm too, and not one bit of them changes.
   */
  readonly stages: ReadonlyArray<{ readonly step: number; readonly from: number }>
  /**
   * Batch norm in the trained blocks uses its running statistics, which stay as they are, instead of the batch
   * statistics.
   */
  readonly keepStatistics: boolean
  /** The factor of the learning rate for each weight, by its name; 1 where left out. */
  readonly rates: ReadonlyMap<string, number>
}

/** What a session trains, and how. */
export interface SessionOptions extends LossOptions {
  readonly network: Network
  /** One tensor for each of the network's parameters and running statistics. */
  readonly weights: Weights
  readonly optimizer: OptimizerConfig
  /** Undefined: all blocks are trained at the same rate. */
  readonly freezing?: Freezing | undefined
  readonly clipNorm: number | undefined
  readonly clipValue: number | undefined
  /** Averages the weights and running statistics; `predict` uses the average. */
  readonly average?: StepAverage | undefined
  /** Of the dropout masks, which depend on (seed, step, block, position) and nothing else. */
  readonly seed: number
}

/** The results of a training step, from before it changed the weights. */
export interface StepResult {
  /** Loss of the batch (nats), as configured: see `trainingLoss`. */
  readonly loss: number
  /** (size, classes), row by row, as they are without an adjustment; dropout on, batch norm in training mode. */
  readonly logits: Float32Array
  /** Euclidean norm of all gradients before clipping. */
  readonly gradientNorm: number
}

/** Everything that a step changes. Training that is restored to it goes on with the same bits. */
export interface SessionState {
  readonly weights: Weights
  readonly optimizer: {
    /** Steps that the optimiser has made. */
    readonly step: number
    /** `momentum.NAME` (sgd), or `mean.NAME` and `variance.NAME` (adam), in the layout of the weight NAME. */
    readonly slots: Weights
  }
  /**
   * The average of all `weights`, where one is kept; a weight that no step changes is its own average. A session that
   * keeps an average and is given none begins with `weights`.
   */
  readonly average?: Weights
}

/** The weights to measure and to keep as the model: the average where there is one, else the weights themselves. */
export const modelWeights = ({ average, weights }: SessionState): Weights => average ?? weights

/** A network inside an engine. Its tensors live until its Scope closes. */
export interface Session {
  /** One step of the optimiser. `step` counts from 0 over the whole run. */
  readonly train: (
    batch: Batch,
    at: { readonly step: number; readonly learningRate: number }
  ) => Effect.Effect<StepResult, EngineError>
  /** Logits (size, classes) in inference mode, row by row; by the average of the weights, where there is one. */
  readonly predict: (batch: Batch) => Effect.Effect<Float32Array, EngineError>
  /**
   * Moves the running statistics of the average, or of the weights where there is none, by a share to a batch's: forward
   * in training mode, and nothing is learned. `step` chooses the dropout masks. Absent where no batch norm takes a batch's
   * statistics.
   */
  readonly moveStatistics?: (
    batch: Batch,
    at: { readonly step: number; readonly share: number }
  ) => Effect.Effect<void, EngineError>
  readonly snapshot: Effect.Effect<SessionState, EngineError>
  readonly restore: (state: SessionState) => Effect.Effect<void, EngineError>
}

/** A description of a running engine. */
export interface EngineInfo {
  readonly name: string
  /** For people: "CPU, wasm with SIMD, 1 thread". */
  readonly device: string
  readonly versions: Readonly<Record<string, string>>
  /** The device's limits, where it reports them: bytes and threads, by their names. */
  readonly limits?: Readonly<Record<string, number>>
}

/** The training service: trains and applies networks on one device. */
export class Engine extends Context.Service<
  Engine,
  {
    readonly info: EngineInfo
    /** Runs one tiny step of the network's own blocks, forward and backward; fails where a kernel is missing. */
    readonly preflight: (network: Network) => Effect.Effect<void, EngineUnavailable>
    readonly open: (options: SessionOptions) => Effect.Effect<Session, EngineError, Scope.Scope>
  }
>()("weft/model/Engine") {}
