import { Schema } from "effect"
import { intBetween, setting, Share } from "../config/Setting.ts"

/** `train.labelNoise`: what becomes of training labels that are likely wrong. */
export const LabelNoiseConfig = Schema.Struct({
  treat: setting(
    Schema.Literals(["soften", "leave-out"]),
    "soften",
    "`soften`: the target lies on the given label and on the predicted class, by `predictedShare`; `leave-out`: the label counts in no loss"
  ),
  most: setting(
    Share,
    0.05,
    "Largest share of a label column's training labels that is treated, the least probable labels first; fewer, where fewer are likely wrong"
  ),
  predictedShare: setting(
    Share,
    0.5,
    "Of a softened label, the share of the target that the predicted class has; the given label has the rest. 1 puts the predicted class in its place"
  ),
  folds: setting(
    intBetween(2, 20),
    5,
    "Folds of the training part: a row is judged by a classifier of the other folds' frozen features. A class needs as many photos (or groups of photos) as there are folds; the labels of a smaller one are left as they are"
  )
})
export type LabelNoiseConfig = typeof LabelNoiseConfig.Type
