import { Schema } from "effect"
import { intBetween, setting } from "../config/Setting.ts"

/** How a trained network is applied. */
export const EvaluateConfig = Schema.Struct({
  tta: setting(
    Schema.Literals(["none", "flip"]),
    "none",
    "`flip`: the probabilities are the mean over an image and its mirror image, in tests and predictions; takes twice the time"
  )
})
export type EvaluateConfig = typeof EvaluateConfig.Type

/** How probabilities are brought in line with how often they are right. */
export const CalibrationConfig = Schema.Struct({
  kind: setting(Schema.Literals(["temperature"]), "temperature", "`temperature`: one divisor of all logits"),
  bins: setting(intBetween(2, 1000), 15, "Bins of equal width, for the calibration error and the reliability curve")
})
export type CalibrationConfig = typeof CalibrationConfig.Type
