import * as tf from "@tensorflow/tfjs-core"
import type { GlobalAveragePool } from "../../../model/Block.ts"
import type { Kernel } from "../tfjs/Pass.ts"
import type { Runner } from "./Runner.ts"

/** The mean of each channel over the image. */
export const globalAveragePool =
  (run: Runner): Kernel<typeof GlobalAveragePool.Type> =>
  (_block, input) => {
    const [size, height, width, channels] = input.shape as [number, number, number, number] // the shapes were checked
    return {
      output: tf.mean(input, [1, 2]),
      backward: (gradient, wanted) => {
        if (!wanted) return undefined
        const shared = run.reshape(tf.div(gradient, height * width), [size, 1, 1, channels])
        return run.one("BroadcastTo", [run.float, run.type("Tidx", run.types.int)], shared, run.ints(...input.shape))
      }
    }
  }
