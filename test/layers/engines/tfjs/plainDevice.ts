import * as tf from "@tensorflow/tfjs-core"
import type { Device } from "../../../../src/layers/engines/tfjs/Device.ts"
import { fusedWith } from "../../../../src/layers/engines/tfjs/fusedAt.ts"
import type { BlockOperators, Operators } from "../../../../src/layers/engines/tfjs/Operators.ts"
import { update } from "../../../../src/layers/engines/tfjs/update.ts"
import { backendName, OutOfMemory } from "../../../../src/layers/engines/wasm/openBackend.ts"

const channelSums: BlockOperators["channelSums"] = (x) =>
  tf.sum(
    x,
    x.shape.slice(0, -1).map((_, axis) => axis)
  )

/** All operators made of TensorFlow.js's own. */
export const operators: Operators = {
  channelSums,
  activationGradient: (dy, y, kind) => {
    const below = tf.lessEqual(y, 0)
    const isClamped = kind === "relu" ? below : tf.logicalOr(below, tf.greaterEqual(y, 6))
    const gradient = tf.where(isClamped, tf.zerosLike(dy), dy)
    return { gradient, sums: channelSums(gradient) }
  },
  update,
  average: (pairs, share) =>
    pairs.map(({ average, name, weight }) => ({
      name,
      average: tf.add(average, tf.mul(tf.sub(weight, average), share))
    }))
}

/** The wasm backend with operators made of TensorFlow.js's own, or those of a test. */
export const plainDevice = (engine: string, own: Partial<Operators> = {}): Device => {
  const all = { ...operators, ...own }
  return {
    engine,
    backend: backendName,
    fusedAt: fusedWith(all),
    operators: all,
    isOutOfMemory: (cause) => cause instanceof OutOfMemory
  }
}
