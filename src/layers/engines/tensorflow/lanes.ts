import type * as tf from "@tensorflow/tfjs-core"
import { channelsOf } from "../tfjs/shape.ts"
import type { Runner } from "./Runner.ts"

/** Whether operations that take channels in vectors of sixteen (native/lanes.h) take a tensor: on a processor. */
export const isInLanes = (run: Runner, x: Pick<tf.TensorInfo, "shape">, lanes = 16): boolean =>
  !run.usesGpu && channelsOf(x) >= lanes
