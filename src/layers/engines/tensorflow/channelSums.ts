import type * as tf from "@tensorflow/tfjs-core"
import type { BlockOperators } from "../tfjs/Operators.ts"
import type { Runner } from "./Runner.ts"

/** Sums over all axes but the last. */
export const channelSums =
  (run: Runner): BlockOperators["channelSums"] =>
  (x: tf.Tensor) =>
    run.one("BiasAddGrad", [run.float, run.text("data_format", "NHWC")], x)
