import type * as tf from "@tensorflow/tfjs-core"

/** A tensor's channels: its last axis, in images (NHWC), rows and filters (HWIO) alike. */
export const channelsOf = ({ shape }: Pick<tf.TensorInfo, "shape">): number => {
  const channels = shape.at(-1)
  if (channels === undefined) throw new Error("a single number has no channels")
  return channels
}
