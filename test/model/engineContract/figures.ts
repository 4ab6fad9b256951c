import { Schema } from "effect"
import { readFileSync } from "node:fs"
import { Network } from "../../../src/model/Network.ts"
import { OptimizerConfig } from "../../../src/model/TrainConfig.ts"

const Numbers = Schema.Array(Schema.Finite)

const Tensors = Schema.Record(Schema.String, Schema.Struct({ norm: Schema.Finite, first: Numbers }))

/** The facts of a training run of PyTorch, as `figures.py` and `columns.py` wrote them down. */
export const caseFields = {
  name: Schema.String,
  batch: Schema.Int,
  ...OptimizerConfig.fields,
  /** The images are the formula's times this, or as they are. */
  gain: Schema.optionalKey(Schema.Finite),
  learningRate: Schema.Finite,
  labelSmoothing: Schema.optionalKey(Schema.Finite),
  classWeights: Schema.optionalKey(Numbers),
  layerDecay: Schema.optionalKey(Schema.Finite),
  /** The shares of the labels; the second ones are those of the image before. */
  mix: Schema.optionalKey(Numbers),
  ema: Schema.optionalKey(Schema.Struct({ decay: Schema.Finite, everySteps: Schema.Int })),
  clipNorm: Schema.optionalKey(Schema.Finite),
  clipValue: Schema.optionalKey(Schema.Finite),
  figures: Schema.Struct({
    labels: Numbers,
    logitsBefore: Numbers,
    trainingLogits: Numbers,
    losses: Numbers,
    gradientNorms: Numbers,
    logitsAfter: Numbers,
    weightsAfter: Tensors,
    averageAfter: Schema.optionalKey(Tensors)
  })
}

const Case = Schema.Struct({ ...caseFields, network: Schema.Literals(["mobile", "plain", "capped"]) })
/** One training run of PyTorch. */
export type TrainingCase = Omit<typeof Case.Type, "network">

const Figures = Schema.Struct({
  salt: Schema.String,
  seed: Schema.Int,
  networks: Schema.Struct({ mobile: Network, plain: Network, capped: Network }),
  cases: Schema.Array(Case)
})

/**
 * Training runs of PyTorch on small networks. `mobile` has every block but Flatten, `plain` has that one, and `capped`
 * is `plain` with relu6; none takes square images.
 */
export const figures = Schema.decodeSync(Schema.fromJsonString(Figures))(
  readFileSync(new URL("figures.json", import.meta.url), "utf8")
)

export const { mobile, plain } = figures.networks
