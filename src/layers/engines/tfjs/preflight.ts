import { Effect } from "effect"
import { EngineUnavailable } from "../../../model/Engine.ts"
import type { Network } from "../../../model/Network.ts"
import { ShapeMismatch, checkNetwork, inputShape, parameters } from "../../../model/shapes.ts"
import { sizeOf } from "../../../model/Tensor.ts"
import type { ColumnLabels } from "../../../pipeline/LabelColumn.ts"
import { columnLabels } from "../../../pipeline/LabelColumn.ts"
import type { Device } from "./Device.ts"
import { messageOf } from "../../../pipeline/messageOf.ts"
import { open } from "./session.ts"

/** Whether all blocks fit an input; a block that fits none, throws. */
const fits = (network: Network, last: boolean): boolean => {
  try {
    checkNetwork(network)
    return true
  } catch (error) {
    if (last || !(error instanceof ShapeMismatch)) throw error
    return false
  }
}

/** The same network with the smallest images that it takes, no larger than its own. */
const smallest = (network: Network): Network => {
  const most = Math.max(network.height, network.width)
  for (let side = 1; ; side++) {
    const small = { ...network, height: Math.min(side, network.height), width: Math.min(side, network.width) }
    if (fits(small, side >= most)) return small
  }
}

const step = Effect.fnUntraced(function* (device: Device, network: Network) {
  // All weights alike: no matter what is computed, every kernel is called.
  const weights = new Map(
    parameters(network).map(({ name, shape }) => [name, { shape, data: new Float32Array(sizeOf(shape)).fill(0.01) }])
  )
  const session = yield* open(device, {
    network,
    weights,
    labelSmoothing: 0.1,
    classWeights: undefined,
    clipNorm: 1,
    clipValue: undefined,
    seed: 0,
    optimizer: {
      kind: "sgd",
      momentum: 0,
      dampening: 0,
      nesterov: false,
      weightDecay: 0,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8
    }
  })
  const { height, width } = network
  const images = Float32Array.from({ length: 2 * sizeOf(inputShape(network)) }, (_, i) => (i % 7) / 7)
  // One row of each column is not known: that is computed by a kernel of its own.
  const columns = network.heads?.map(({ classes, kind }): ColumnLabels =>
    columnLabels({ classes: Array.from({ length: classes }, String), values: kind === "softmax" ? "one" : "several" }, [
      [0],
      undefined
    ])
  )
  const labels = Int32Array.of(0, 0)
  const batch = { index: 0, images, labels, ...(columns && { columns }), ids: ["0", "1"], size: 2, height, width }
  const { loss } = yield* session.train(batch, { step: 0, learningRate: 0.001 })
  yield* session.predict(batch)
  return loss
}, Effect.scoped)

/** One training step and one prediction of the network's own blocks, on two of the smallest images that they take. */
export const preflight = Effect.fn("tfjs.preflight")(function* (device: Device, network: Network, cure: string) {
  const { engine } = device
  const small = yield* Effect.try({
    try: () => smallest(network),
    catch: (cause) =>
      new EngineUnavailable({
        engine,
        reason: messageOf(cause),
        cure: "Give the network images of the size it needs."
      })
  })
  const loss = yield* step(device, small).pipe(
    Effect.mapError((error) => new EngineUnavailable({ engine, reason: `its test step failed: ${error.detail}`, cure }))
  )
  if (!Number.isFinite(loss))
    return yield* new EngineUnavailable({ engine, reason: `its test step has a loss of ${loss}`, cure })
})
