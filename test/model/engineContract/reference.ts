import { assert } from "@effect/vitest"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import type { SessionOptions, SessionState } from "../../../src/model/Engine.ts"
import { Engine } from "../../../src/model/Engine.ts"
import type { Network } from "../../../src/model/Network.ts"
import { parameters } from "../../../src/model/shapes.ts"
import type { Tensor, Weights } from "../../../src/model/Tensor.ts"
import { sizeOf } from "../../../src/model/Tensor.ts"
import type { OptimizerConfig } from "../../../src/model/TrainConfig.ts"
import type { Batch } from "../../../src/pipeline/Batch.ts"
import { fmix32, fnv1a32 } from "../../../src/pipeline/draw.ts"

/** The numbers in [-1, 1) that stand for a name: the formula of the reference figures. */
export const uniform = (salt: string, name: string, n: number): Float64Array => {
  const key = fnv1a32(salt + name)
  const u = new Float64Array(n)
  for (let i = 0; i < n; i++) u[i] = (2 * fmix32((key + i) >>> 0)) / 2 ** 32 - 1
  return u
}

/** One tensor by the formula of the reference figures. */
export const referenceTensor = (name: string, shape: ReadonlyArray<number>, salt: string): Tensor => {
  const u = uniform(salt, name, sizeOf(shape))
  const scale = shape.length > 1 ? Math.sqrt(6 / sizeOf(shape.slice(1))) : 0.1
  const isVariance = name.endsWith(".running_var")
  const around = shape.length === 1 && name.endsWith(".weight") ? 1 : 0
  const data = new Float32Array(u.length)
  for (let i = 0; i < u.length; i++) data[i] = isVariance ? 1 + 0.5 * Math.abs(u[i]!) : around + scale * u[i]!
  return { shape, data }
}

/** Weights by the formula of the reference figures. */
export const referenceWeights = (network: Network, salt: string): Weights =>
  new Map(parameters(network).map(({ name, shape }) => [name, referenceTensor(name, shape, salt)]))

/** Images and labels by the formula of the reference figures. */
export const referenceBatch = ({ classes, height, width }: Network, salt: string, size: number): Batch => ({
  index: 0,
  images: Float32Array.from(uniform(salt, "input", size * height * width * 3)),
  labels: Int32Array.from(uniform(salt, "labels", size), (u) => Math.floor(((u + 1) / 2) * classes)),
  ids: Array.from({ length: size }, (_, i) => `sample ${i}`),
  size,
  height,
  width
})

/** The pixels along a side of a flat tile. */
const tile = 16

/** The same with images of flat tiles, as gradients are compared on: early layers show in the logits. */
export const tiledBatch = (network: Network, salt: string, size: number): Batch => {
  const [rows, columns] = [network.height / tile, network.width / tile]
  const u = uniform(salt, "input", size * rows * columns * 3)
  const batch = referenceBatch(network, salt, size)
  const { height, width } = network
  const images = batch.images.map((_, i) => {
    const [c, x, y, n] = [
      i % 3,
      Math.floor(i / 3) % width,
      Math.floor(i / 3 / width) % height,
      Math.floor(i / 3 / width / height)
    ]
    return 2 * u[((n * rows + Math.floor(y / tile)) * columns + Math.floor(x / tile)) * 3 + c]!
  })
  return { ...batch, images }
}

/** Some rows of a batch. */
export const rows = (batch: Batch, from: number, to: number): Batch => {
  const pixels = batch.height * batch.width * 3
  return {
    ...batch,
    images: batch.images.slice(from * pixels, to * pixels),
    labels: batch.labels.slice(from, to),
    ids: batch.ids.slice(from, to),
    size: to - from
  }
}

export const sgd: OptimizerConfig = {
  kind: "sgd",
  momentum: 0,
  dampening: 0,
  nesterov: false,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0
}

/** Opens a session; what is left out is off, plain sgd, and weights by the formula. */
export const openSession = (network: Network, options: Partial<SessionOptions> = {}) =>
  Effect.flatMap(Engine, (engine) =>
    engine.open({
      network,
      weights: options.weights ?? referenceWeights(network, "contract-"),
      optimizer: sgd,
      labelSmoothing: 0,
      classWeights: undefined,
      clipNorm: undefined,
      clipValue: undefined,
      seed: 7,
      ...options
    })
  )

/** How many tensors TensorFlow.js holds, on any backend; none where the engine does without it. */
export const tensors = (): number => tf.engine().state.numTensors

/** Euclidean norm. */
export const norm = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values))

/** That numbers are others within 1e-3 of the others' norm: float32 rounding over a network, not a fault. */
export const assertNear = (actual: ArrayLike<number>, expected: ArrayLike<number>, what: string, within = 1e-3) => {
  assert.strictEqual(actual.length, expected.length, `${what}: how many`)
  const error = norm(Array.from(actual, (x, i) => x - expected[i]!))
  // Written so that NaN fails.
  assert.isTrue(error <= within * norm(expected), `${what}: off by ${error}, expected ${Array.from(expected)}`)
}

const bitsOf = (weights: Weights) =>
  [...weights]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { data, shape }]) => ({
      name,
      shape: [...shape],
      bits: [...new Int32Array(data.buffer, data.byteOffset, data.length)]
    }))

/** That two states are the same to the last bit. */
export const assertSameBits = (actual: SessionState, expected: SessionState) => {
  assert.deepStrictEqual(bitsOf(actual.weights), bitsOf(expected.weights))
  assert.deepStrictEqual(bitsOf(actual.optimizer.slots), bitsOf(expected.optimizer.slots))
  assert.strictEqual(actual.optimizer.step, expected.optimizer.step)
  assert.deepStrictEqual(bitsOf(actual.average ?? new Map()), bitsOf(expected.average ?? new Map()))
}
