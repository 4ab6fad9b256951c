import { Schema } from "effect"
import { EmaConfig } from "./ema.ts"
import { optimizers } from "./optimizers.ts"
import { schedules } from "./schedule.ts"
import { between, intBetween, optionalSetting, setting, Share } from "../config/Setting.ts"

/** The optimiser and its settings, with PyTorch's names, defaults and semantics. */
export const OptimizerConfig = Schema.Struct({
  kind: setting(Schema.Literals(optimizers.map((one) => one.kind)), "adam", "Which optimiser"),
  momentum: setting(between(0, 0.9999), 0, "sgd: momentum"),
  dampening: setting(Share, 0, "sgd: dampening of the momentum"),
  nesterov: setting(Schema.Boolean, false, "sgd: Nesterov momentum (needs a momentum, and no dampening)"),
  beta1: setting(
    between(0, 0.999999),
    0.9,
    "adam, adamw, lion: decay of the gradient's running mean; lion: of the mean that gives the direction"
  ),
  beta2: setting(
    between(0, 0.999999),
    0.999,
    "adam, adamw: decay of the squared gradient's running mean; lion: of the gradient's, where 0.99 is usual"
  ),
  eps: setting(between(1e-12, 1), 1e-8, "adam, adamw: added to the root, against division by zero"),
  weightDecay: setting(
    between(0, 1),
    0,
    "L2 penalty added to the gradient (sgd, adam), or decoupled decay (adamw, lion)"
  )
}).check(
  Schema.makeFilter((o) => !o.nesterov || (o.momentum > 0 && o.dampening === 0), {
    expected: "a momentum above 0 and a dampening of 0 where nesterov is on"
  })
)
export type OptimizerConfig = typeof OptimizerConfig.Type

/** How the learning rate moves over the steps of a run. */
export const ScheduleConfig = Schema.Struct({
  kind: setting(Schema.Literals(schedules.map((one) => one.kind)), "constant", "Which schedule"),
  warmup: setting(Share, 0, "constant, step, cosine: share of all steps in which the rate rises linearly from 0"),
  everyEpochs: setting(intBetween(1, 100_000), 7, "step: epochs between two drops"),
  gamma: setting(between(1e-6, 1), 0.1, "step: factor of a drop"),
  final: setting(between(0, 1), 0, "cosine: the last rate, as a share of the learning rate"),
  rise: setting(between(0.01, 0.99), 0.3, "one-cycle: share of all steps in which the rate rises"),
  startDivisor: setting(between(1, 1e6), 25, "one-cycle: the first rate is the learning rate divided by this"),
  endDivisor: setting(between(1, 1e9), 1e4, "one-cycle: the last rate is the first one divided by this")
})
export type ScheduleConfig = typeof ScheduleConfig.Type

const EarlyStopping = Schema.Struct({
  patience: setting(intBetween(1, 10_000), 5, "Epochs without a better value before the run stops"),
  minDelta: setting(between(0, 1e6), 0, "The smallest improvement that counts")
})

const CheckpointConfig = Schema.Struct({
  everySteps: optionalSetting(
    intBetween(1, 1e9),
    "Steps between two further checkpoints; one is written at every epoch's end"
  ),
  keep: setting(intBetween(1, 1000), 2, "How many of the last checkpoints are kept, beside the best weights")
})

/** How the network is trained. */
export const TrainConfig = Schema.Struct({
  epochs: setting(intBetween(1, 100_000), 10, "Times that every training sample is seen"),
  batchSize: setting(intBetween(1, 65_536), 32, "Samples of one step"),
  learningRate: setting(between(1e-12, 1e4), 0.001, "The learning rate; with one-cycle, the highest one"),
  optimizer: setting(OptimizerConfig, {}, "The optimiser"),
  schedule: setting(ScheduleConfig, {}, "The learning rate's course"),
  rates: optionalSetting(
    Schema.Array(Schema.Struct({ from: Schema.NonEmptyString, factor: between(0, 1e6) })),
    "Discriminative learning rates, `[{ from = BLOCK, factor = 0.1 }]`: a block's rate is the learning rate times the factor of the last entry at or before it; 1 before the first"
  ),
  unfreeze: optionalSetting(
    Schema.Array(Schema.Struct({ epoch: intBetween(1, 100_000), from: Schema.NonEmptyString })),
    "Gradual unfreezing, `[{ epoch = 1, from = BLOCK }]`: after that many epochs, that block and all after it are trained too"
  ),
  labelSmoothing: setting(between(0, 0.999), 0, "Share of the target that is spread evenly over all classes"),
  classWeights: setting(
    Schema.Literals(["none", "balanced"]),
    "none",
    "`balanced`: a class counts by the inverse of its frequency in the training part"
  ),
  clipNorm: optionalSetting(
    between(1e-12, 1e12),
    "Largest norm of all gradients together; larger gradients are scaled down"
  ),
  clipValue: optionalSetting(
    between(1e-12, 1e12),
    "Largest absolute value of any one gradient; larger ones are clamped"
  ),
  ema: optionalSetting(
    EmaConfig,
    "Validates, tests and keeps an average of the weights and running statistics as the model; off where left out"
  ),
  monitor: setting(
    Schema.Literals(["validationLoss", "validationAccuracy"]),
    "validationLoss",
    "The metric that decides which epoch is the best"
  ),
  select: setting(Schema.Literals(["best", "last"]), "best", "Which epoch's weights are tested and kept as the model"),
  earlyStopping: optionalSetting(
    EarlyStopping,
    "Stops when the monitored metric no longer improves; off where left out"
  ),
  checkpoint: setting(CheckpointConfig, {}, "When the run's state is saved")
})
export type TrainConfig = typeof TrainConfig.Type
