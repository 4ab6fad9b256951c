import * as tf from "@tensorflow/tfjs-core"
import { channelsLast, reorder } from "../../../model/layout.ts"
import type { Tensor } from "../../../model/Tensor.ts"

/** A tensor of the backend from one in PyTorch's layout. */
export const intoBackend = (tensor: Tensor): tf.Tensor => {
  const { data, shape } = channelsLast(tensor)
  return tf.tensor(data, [...shape], "float32")
}

/** A tensor in PyTorch's layout from the numbers of one of the backend. */
export const outOfBackend = (data: Float32Array, shape: ReadonlyArray<number>): Tensor => ({
  shape,
  data: reorder(data, shape, true)
})
