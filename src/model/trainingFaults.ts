import { Schema } from "effect"
import * as Runtime from "effect/Runtime"

/** The loss is NaN or infinite: the run cannot go on. */
export class TrainingDiverged extends Schema.TaggedError<TrainingDiverged>()("TrainingDiverged", {
  epoch: Schema.Int,
  step: Schema.Int,
  learningRate: Schema.Finite,
  /** "NaN" or "Infinity": JSON has no such numbers. */
  loss: Schema.String
}) {
  override get message() {
    return (
      `The loss became ${this.loss} at step ${this.step + 1} of epoch ${this.epoch + 1}, at a learning rate of ` +
      `${this.learningRate}. Try a smaller train.learningRate, a schedule with warm-up, or train.clipNorm. ` +
      `The last checkpoint is from before this step.`
    )
  }
}

/** The saved weights of the best epoch are missing, damaged, or another epoch's. */
export class BestWeightsLost extends Schema.TaggedError<BestWeightsLost>()("BestWeightsLost", {
  /** The best epoch, from 1. */
  epoch: Schema.Natural,
  /** Epoch and metric of the weights that were found instead, where there were any. */
  found: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    return (
      `The weights of epoch ${this.epoch}, the best one, cannot be read back: checkpoints/best.safetensors ` +
      `${this.found === undefined ? "is missing or damaged" : `has those of ${this.found}`}. ` +
      'Train again in another folder (--run DIR), with train.select = "last" if the last epoch\'s weights will do.'
    )
  }
}

/** The run has more epochs behind it than it is to have: exit code 2. */
export class TrainedFurther extends Schema.TaggedError<TrainedFurther>()("TrainedFurther", {
  /** Those that are done or have begun. */
  epochs: Schema.Natural
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return `The run is in epoch ${this.epochs} already: set train.epochs to ${this.epochs} or more.`
  }
}

/** There are checkpoints, but of another configuration or of other data: training over them would lose them. */
export class ForeignCheckpoints extends Schema.TaggedError<ForeignCheckpoints>()("ForeignCheckpoints", {}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return (
      "This run's checkpoints were made with another configuration, or the catalogue has changed since. " +
      "Put the catalogue back as it was to go on, or begin a new run in another folder (--run DIR)."
    )
  }
}
