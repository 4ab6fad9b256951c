import { Effect } from "effect"
import type { Engine } from "../src/model/Engine.ts"
import { initialise } from "../src/model/initialise.ts"
import type { Network } from "../src/model/Network.ts"

/** Opens a network with drawn weights on an engine, and makes a batch of `size` images, whose pixels are from -1 to 1. */
export const drawnTraining = Effect.fnUntraced(function* (
  engine: Engine["Service"],
  network: Network,
  { kind = "sgd", size }: { readonly kind?: "adam" | "sgd"; readonly size: number }
) {
  const { classes, height, width } = network
  const session = yield* engine.open({
    network,
    weights: initialise(network, 0),
    labelSmoothing: 0,
    classWeights: undefined,
    seed: 0,
    clipNorm: undefined,
    clipValue: undefined,
    optimizer: {
      kind,
      momentum: 0,
      dampening: 0,
      nesterov: false,
      weightDecay: 0,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8
    }
  })
  const batch = {
    index: 0,
    size,
    height,
    width,
    ids: [],
    images: Float32Array.from({ length: size * height * width * 3 }, (_, i) => ((i * 7919) % 1000) / 500 - 1),
    labels: Int32Array.from({ length: size }, (_, i) => i % classes)
  }
  return { session, batch }
})
