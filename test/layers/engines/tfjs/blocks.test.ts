import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { layer as wasm } from "../../../../src/layers/engines/wasm/WasmEngine.ts"
import type { Block } from "../../../../src/model/Block.ts"
import type { Network } from "../../../../src/model/Network.ts"
import { parameters } from "../../../../src/model/shapes.ts"
import type { Weights } from "../../../../src/model/Tensor.ts"
import {
  norm,
  openSession,
  referenceBatch,
  referenceWeights,
  uniform
} from "../../../model/engineContract/reference.ts"

const common = { bias: true, init: "torch" } as const
const conv = (stride: number, padding: number | "same", kernel: readonly [number, number] = [3, 2]): Block => ({
  _tag: "Conv2d",
  name: "block",
  filters: 9,
  kernel,
  stride,
  padding,
  ...common
})
const depthwise = (stride: number, padding: number | "same"): Block => ({
  _tag: "DepthwiseConv2d",
  name: "block",
  kernel: [2, 3],
  stride,
  padding,
  ...common
})
const pool = (size: number, stride: number, padding: number | "same"): Block => ({
  _tag: "MaxPool",
  size,
  stride,
  padding
})

const blocks: ReadonlyArray<readonly [string, ReadonlyArray<Block>]> = [
  ["a convolution", [conv(1, 0)]],
  ["a convolution, padded", [conv(1, 1)]],
  ["a convolution, same", [conv(1, "same")]],
  ["a convolution, stride 2", [conv(2, 0)]],
  ["a convolution, stride 2, padded", [conv(2, 1)]],
  ["a convolution, stride 2, same", [conv(2, "same")]],
  ["a convolution of single pixels", [conv(1, 0, [1, 1])]],
  ["a convolution and relu", [conv(1, 1), { _tag: "Activation", kind: "relu" }]],
  ["a convolution and relu6", [conv(1, 1), { _tag: "Activation", kind: "relu6" }]],
  ["a depthwise convolution", [depthwise(1, 0)]],
  ["a depthwise convolution, padded", [depthwise(1, 1)]],
  ["a depthwise convolution, stride 2, same", [depthwise(2, "same")]],
  ["a batch norm", [{ _tag: "BatchNorm", name: "block", eps: 1e-5, momentum: 0.1 }]],
  ["a max-pooling", [pool(2, 2, 0)]],
  ["a max-pooling, overlapping and padded", [pool(3, 2, 1)]],
  ["a max-pooling, same", [pool(2, 2, "same")]],
  ["a dropout", [{ _tag: "Dropout", name: "block", rate: 0.3 }]],
  ["a residual", [{ _tag: "Residual", blocks: [{ ...conv(1, 1, [3, 3]), filters: 5 } as Block] }]]
]

/** Images, one convolution that needs the block's input gradient, the block, and a head. */
const around = (inner: ReadonlyArray<Block>): Network => ({
  name: "around",
  height: 7,
  width: 6,
  classes: 3,
  blocks: [
    { _tag: "Conv2d", name: "stem", filters: 5, kernel: [1, 1], stride: 1, padding: 0, ...common },
    ...inner,
    { _tag: "Flatten" },
    { _tag: "Dense", name: "head", units: 3, ...common }
  ]
})

layer(wasm)("the blocks in TensorFlow.js", (it) => {
  it.effect.each(blocks)("%s: the gradients are the slopes of the loss", ([, inner]) =>
    Effect.gen(function* () {
      const network = around(inner)
      const batch = referenceBatch(network, "blocks-", 5)
      const weights = referenceWeights(network, "blocks-")
      const train = Effect.fnUntraced(function* (weights: Weights) {
        const session = yield* openSession(network, { weights })
        const { loss } = yield* session.train(batch, { step: 0, learningRate: 1 })
        return { loss, after: (yield* session.snapshot).weights }
      }, Effect.scoped)
      const { after } = yield* train(weights)
      for (const { name, shape } of parameters(network).filter(({ trainable }) => trainable)) {
        const { data } = weights.get(name)!
        const gradient = data.map((w, i) => w - after.get(name)!.data[i]!)
        const length = norm(gradient)
        const anywhere = uniform("blocks-", `direction of ${name}`, data.length)
        const direction = data.map((_, i) => gradient[i]! / Math.max(length, 1e-6) + anywhere[i]! / norm(anywhere))
        const lossAt = (h: number) =>
          Effect.map(
            train(new Map([...weights, [name, { shape, data: data.map((w, i) => w + h * direction[i]!) }]])),
            ({ loss }) => loss
          )
        const h = 3e-4
        const slope = ((yield* lossAt(h)) - (yield* lossAt(-h))) / (2 * h)
        const expected = gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0)
        assert.isBelow(Math.abs(slope - expected), 0.03 * length + 2e-3, `${name}: ${slope}, by gradient ${expected}`)
      }
    })
  )
})
