// Run as a program of its own, by any Node: trains a tiny network on the engines named, and prints the figures as JSON.
import { Effect } from "effect"
import { createRequire } from "node:module"
import { layer as tensorflow } from "../../../src/layers/engines/tensorflow/TensorflowEngine.ts"
import { layer as wasm } from "../../../src/layers/engines/wasm/WasmEngine.ts"
import { Engine } from "../../../src/model/Engine.ts"
import { initialise } from "../../../src/model/initialise.ts"
import type { Network } from "../../../src/model/Network.ts"
import { sizeOf } from "../../../src/model/Tensor.ts"

const network: Network = {
  name: "tiny",
  height: 13,
  width: 8,
  classes: 3,
  blocks: [
    { _tag: "Conv2d", name: "conv", filters: 6, kernel: [3, 3], stride: 2, padding: 1, bias: false, init: "torch" },
    { _tag: "BatchNorm", name: "norm", eps: 1e-5, momentum: 0.1 },
    { _tag: "Activation", kind: "relu6" },
    { _tag: "DepthwiseConv2d", name: "depth", kernel: [3, 3], stride: 1, padding: 1, bias: true, init: "torch" },
    { _tag: "GlobalAveragePool" },
    { _tag: "Dense", name: "fc", units: 3, bias: true, init: "torch" }
  ]
}

const batch = {
  index: 0,
  images: Float32Array.from({ length: 4 * sizeOf([13, 8, 3]) }, (_, i) => (((i * 37) % 101) - 50) / 50),
  labels: Int32Array.of(0, 2, 1, 2),
  ids: ["a", "b", "c", "d"],
  size: 4,
  height: 13,
  width: 8
}

const adam = { kind: "adam", momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 } as const

/** The losses of three steps, and the logits after them. */
const figures = Effect.gen(function* () {
  const engine = yield* Engine
  const session = yield* engine.open({
    network,
    weights: initialise(network, 3),
    optimizer: { ...adam, beta1: 0.9, beta2: 0.999, eps: 1e-8 },
    labelSmoothing: 0.1,
    classWeights: undefined,
    clipNorm: undefined,
    clipValue: undefined,
    seed: 3
  })
  const losses: Array<number> = []
  for (let step = 0; step < 3; step++) losses.push((yield* session.train(batch, { step, learningRate: 0.01 })).loss)
  return { losses, logits: [...(yield* session.predict(batch))] }
}).pipe(Effect.scoped)

// The module as CommonJS sees it, as TensorFlow.js's package does.
const util = createRequire(import.meta.url)("node:util") as Record<string, unknown>
const hadOldFunctions = "isNullOrUndefined" in util
const engines = { wasm, tensorflow }
const trained: Record<string, unknown> = {}
for (const [name, layer] of Object.entries(engines))
  if (process.argv.includes(name)) trained[name] = await Effect.runPromise(Effect.provide(figures, layer))
console.log(JSON.stringify({ node: process.versions.node, hadOldFunctions, trained }))
