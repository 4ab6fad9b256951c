import * as tf from "@tensorflow/tfjs-core"
import type { WeightOperators } from "../tfjs/Operators.ts"
import type { Runner } from "./Runner.ts"
import type { Variables } from "./Variables.ts"

/**
 * See `moveAverage` in model/average.ts; in place, as a step of gradient descent whose gradient is how far the average lies
 * from the weight.
 */
export const averageOf =
  (run: Runner, variables: Variables): WeightOperators["average"] =>
  (pairs, share) => {
    const rate = tf.scalar(share)
    return pairs.map((pair) => {
      const { average, weight } = pair
      const apart = run.one("Sub", [run.float], average, weight)
      variables.change(average, [], (handle) =>
        run.raw("ResourceApplyGradientDescent", [run.float], [handle, rate, apart], 0)
      )
      return pair
    })
  }
