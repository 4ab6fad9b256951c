import * as tf from "@tensorflow/tfjs-core"
import type { WeightOperators } from "./Operators.ts"
import type { FusedAt } from "./Pass.ts"

/** A backend of TensorFlow.js as an engine uses it. */
export interface Device {
  /** The engine's name. */
  readonly engine: string
  /** The backend's name in TensorFlow.js, which must have been made. */
  readonly backend: string
  /** How it computes blocks. */
  readonly fusedAt: FusedAt
  readonly operators: WeightOperators
  /** Whether an error of the backend means that its memory is full. */
  readonly isOutOfMemory: (cause: unknown) => boolean
}

/** Makes the device's backend the current one: it is one for all of TensorFlow.js. */
export const use = ({ backend }: Device): void => {
  // The promise is of a backend that is still to be made; ours is there, and set before this returns.
  if (tf.getBackend() !== backend) void tf.setBackend(backend)
}
