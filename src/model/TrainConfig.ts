import { Schema } from "effect"
import { Sampling } from "../pipeline/sampling.ts"
import { AverageConfig } from "./average.ts"
import { LabelNoiseConfig } from "./LabelNoiseConfig.ts"
import { optimizers } from "./optimizers.ts"
import { optimizerSettings } from "./optimizers/Optimizer.ts"
import { schedules } from "./schedule.ts"
import { scheduleSettings } from "./schedules/Schedule.ts"
import { TeacherConfig } from "./TeacherConfig.ts"
import { between, intBetween, optionalSetting, setting } from "../config/Setting.ts"

/** The optimiser and its settings, with PyTorch's names, defaults and semantics. */
export const OptimizerConfig = Schema.Struct({
  kind: setting(Schema.Literals(optimizers.map((one) => one.kind)), "adam", "Which optimiser"),
  ...optimizerSettings
}).check(
  Schema.makeFilter((o) => !o.nesterov || (o.momentum > 0 && o.dampening === 0), {
    expected: "a momentum above 0 and a dampening of 0 where nesterov is on"
  })
)
export type OptimizerConfig = typeof OptimizerConfig.Type

/** How the learning rate moves over the steps of a run. */
export const ScheduleConfig = Schema.Struct({
  kind: setting(Schema.Literals(schedules.map((one) => one.kind)), "constant", "Which schedule"),
  ...scheduleSettings
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
  layerDecay: optionalSetting(
    between(1e-6, 1),
    "Layer-wise decay of the learning rate, 0.65 to 0.9 as a rule: the rate of group d of the network's D groups is multiplied by this to the power of D - d. The groups are the parts that `network.trainable` can name, from the input to the head, which keeps the learning rate; `train.rates` multiplies beside it"
  ),
  unfreeze: optionalSetting(
    Schema.Array(Schema.Struct({ epoch: intBetween(1, 100_000), from: Schema.NonEmptyString })),
    "Gradual unfreezing, `[{ epoch = 1, from = BLOCK }]`: after that many epochs, that block and all after it are trained too"
  ),
  sampling: optionalSetting(
    Sampling,
    '`"balanced"`: an epoch has as many samples of each class; `{ power = 0.5 }`: a class has a share by its size to this power, from 0 (`"balanced"`) to 1 (its own). Samples of small classes then come several times in an epoch, each time with other random changes; of large ones some do not come, others in each epoch. `"shuffle"`, and where left out: each sample once. Of several label columns, the first has the classes'
  ),
  labelSmoothing: setting(between(0, 0.999), 0, "Share of the target that is spread evenly over all classes"),
  classWeights: setting(
    Schema.Literals(["none", "balanced"]),
    "none",
    "`balanced`: a class counts by the inverse of its frequency in the training part; in a column with several values, its being true counts as much as its being untrue. Each label column by itself, of its known samples"
  ),
  focal: optionalSetting(
    between(0, 20),
    "Gamma of the focal loss: a sample's loss times (1 - p)^gamma, where p is the probability of its class, so that what is known already counts less (Lin et al., 2017; they use 2); the plain loss where left out"
  ),
  logitAdjustment: optionalSetting(
    between(0, 20),
    "Tau of logit adjustment, for classes of very different sizes: in training, tau times the logarithm of its class's share of the training part is added to each logit, so that without it rare classes are not at a disadvantage (Menon et al., 2021; they use 1); off where left out"
  ),
  teacher: optionalSetting(
    TeacherConfig,
    "A trained network whose answers are learned beside the labels, by the same view of each image: the folder of a finished run, an ONNX file with logits, or a list of them, as `from` has it; or a table. It knows all the run's classes, by their names. Off where left out"
  ),
  labelNoise: optionalSetting(
    LabelNoiseConfig,
    "Softens or leaves out the training labels that are likely wrong, by out-of-fold confident learning (Northcutt et al., 2021) on frozen features of the network, which needs trained weights (`network.weights`). Labels to validate and test are never changed, nor looked at. Off where left out"
  ),
  clipNorm: optionalSetting(
    between(1e-12, 1e12),
    "Largest norm of all gradients together; larger gradients are scaled down"
  ),
  clipValue: optionalSetting(
    between(1e-12, 1e12),
    "Largest absolute value of any one gradient; larger ones are clamped"
  ),
  average: optionalSetting(
    AverageConfig,
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
}).check(
  Schema.makeFilter(({ classWeights, sampling = "shuffle" }) => classWeights === "none" || sampling === "shuffle", {
    expected: "either `train.classWeights` or `train.sampling`: both would count the sizes of the classes twice"
  })
)
export type TrainConfig = typeof TrainConfig.Type
