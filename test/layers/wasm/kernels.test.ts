import { assert, describe, it } from "@effect/vitest"
import "@tensorflow/tfjs-backend-cpu"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll } from "vitest"
import { composed } from "../../../src/layers/tfjs/composed.ts"
import { maxPool } from "../../../src/layers/tfjs/convolutions.ts"
import type { Pass } from "../../../src/layers/tfjs/Pass.ts"
import { registerKernels } from "../../../src/layers/wasm/kernels.ts"
import { Machine } from "../../../src/layers/wasm/Machine.ts"
import { operatorsOf } from "../../../src/layers/wasm/operators.ts"
import { backendName, openBackend } from "../../../src/layers/wasm/openBackend.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { poolsAsPyTorchDoes, rectifiesAsPyTorchDoes } from "../tfjs/asPyTorch.ts"

const unused = {} as Pass // pooling looks at nothing in it

let machine: Machine
beforeAll(async () => {
  machine = new Machine(await openBackend(), 3)
  registerKernels(machine)
})
afterAll(() => machine.close())

const numbers = (name: string, shape: ReadonlyArray<number>): tf.Tensor => {
  const random = draw("kernels", name)
  return tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, () => random.between(-1, 1)),
    [...shape]
  )
}

type Shapes = Readonly<Record<string, ReadonlyArray<number>>>

/** What a kernel makes of drawn inputs on a backend. */
const result = async (backend: string, kernel: string, shapes: Shapes, attributes: object) => {
  await tf.setBackend(backend)
  return tf.tidy(() => {
    const inputs = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, numbers(name, shape)]))
    const given =
      kernel === "MaxPoolGrad"
        ? { ...inputs, output: tf.maxPool(inputs["input"] as tf.Tensor4D, ...poolOf(attributes)) }
        : inputs
    const out = tf.engine().runKernel(kernel, given, attributes as tf.NamedAttrMap) as tf.Tensor
    return { shape: out.shape, data: out.dataSync<"float32">() }
  })
}

const poolOf = (attributes: object) => {
  const { filterSize, pad, strides } = attributes as { filterSize: number; strides: number; pad: "same" | number }
  return [filterSize, strides, pad] as const
}

/** That our kernel gives what TensorFlow.js's plain one gives. */
const agrees = async (kernel: string, shapes: Shapes, attributes: object) => {
  const expected = await result("cpu", kernel, shapes, attributes)
  const actual = await result(backendName, kernel, shapes, attributes)
  assert.deepStrictEqual(actual.shape, expected.shape)
  const worst = Math.max(...actual.data.map((x, i) => Math.abs(x - expected.data[i]!)))
  assert.isBelow(worst, 1e-4, `${kernel} ${JSON.stringify({ shapes, attributes })}`)
}

const explicit = (padding: "same" | number): tf.backend_util.ExplicitPadding | "same" =>
  padding === "same"
    ? padding
    : [
        [0, 0],
        [padding, padding],
        [padding, padding],
        [0, 0]
      ]

const cases = [
  { x: [3, 7, 10, 5], kernel: [3, 2], filters: 11, strides: 1, padding: 0 },
  { x: [2, 8, 7, 3], kernel: [3, 2], filters: 6, strides: 2, padding: 1 },
  { x: [2, 9, 6, 4], kernel: [2, 3], filters: 16, strides: 2, padding: "same" },
  { x: [1, 6, 11, 1], kernel: [5, 3], filters: 1, strides: 1, padding: "same" },
  { x: [3, 7, 5, 10], kernel: [1, 1], filters: 9, strides: 1, padding: 0 },
  { x: [2, 7, 6, 3], kernel: [1, 1], filters: 4, strides: 2, padding: 0 },
  { x: [2, 5, 6, 3], kernel: [3, 3], filters: 8, strides: 3, padding: 2 },
  { x: [40, 4, 5, 2], kernel: [3, 3], filters: 8, strides: 1, padding: 1 }
] as const

describe("the wasm kernels agree with the plain ones", () => {
  for (const { filters, kernel, padding, strides, x } of cases) {
    const name = `${x.join(" x ")}, kernel ${kernel.join(" x ")}, stride ${strides}, padding ${padding}`
    const pad = explicit(padding)
    const attributes = { strides: [strides, strides], pad, dataFormat: "NHWC", dilations: [1, 1] }
    const info = (depthwise: boolean) => {
      const shape: [number, number, number, number] = [...kernel, x[3], depthwise ? 1 : filters]
      return tf.backend_util.computeConv2DInfo([...x], shape, strides, 1, pad, undefined, depthwise)
    }
    const filter = [...kernel, x[3], filters]
    it(`convolutions: ${name}`, async () => {
      const dy = info(false).outShape
      await agrees("Conv2D", { x, filter }, attributes)
      await agrees("FusedConv2D", { x, filter, bias: [filters] }, { ...attributes, activation: "relu" })
      await agrees("Conv2DBackpropFilter", { x, dy }, { ...attributes, filterShape: filter })
      await agrees("Conv2DBackpropInput", { dy, filter }, { ...attributes, inputShape: x })
    })
    it(`depthwise convolutions: ${name}`, async () => {
      const dy = info(true).outShape
      const filter = [...kernel, x[3], 1]
      await agrees("DepthwiseConv2dNative", { x, filter }, attributes)
      await agrees("DepthwiseConv2dNativeBackpropFilter", { x, dy }, { ...attributes, filterShape: filter })
      await agrees("DepthwiseConv2dNativeBackpropInput", { dy, filter }, { ...attributes, inputShape: x })
    })
  }

  for (const [x, filterSize, strides, pad] of [
    [[3, 7, 10, 5], 2, 2, 0],
    [[2, 8, 7, 6], 3, 2, 1],
    [[2, 9, 6, 4], 3, 2, "same"],
    [[2, 5, 6, 3], 2, 1, 1]
  ] as const)
    it(`max-pooling: ${x.join(" x ")}, window ${filterSize}, stride ${strides}, padding ${pad}`, async () => {
      const attributes = { filterSize: [filterSize, filterSize], strides: [strides, strides], pad }
      const dy = tf.backend_util.computePool2DInfo([...x], filterSize, strides, 1, pad).outShape
      await agrees("MaxPool", { x }, attributes)
      await agrees("MaxPoolGrad", { dy, input: x }, attributes)
    })

  it("max-pooling, where all are the largest: the first gets the gradient", async () => {
    await tf.setBackend(backendName)
    tf.tidy(() => {
      const input = tf.ones([1, 4, 6, 5])
      const output = tf.maxPool(input as tf.Tensor4D, 2, 2, 0)
      const attributes = { filterSize: [2, 2], strides: [2, 2], pad: 0 }
      const dx = tf.engine().runKernel("MaxPoolGrad", { dy: output, input, output }, attributes) as tf.Tensor
      const first = Array.from({ length: 24 }, (_, i) => (i % 2 === 0 && i % 12 < 6 ? 1 : 0))
      assert.deepStrictEqual(
        [...dx.dataSync()],
        first.flatMap((x) => [x, x, x, x, x])
      )
    })
  })

  it("max-pooling: NaN and infinities are PyTorch's, forward and backward", async () => {
    await tf.setBackend(backendName)
    await poolsAsPyTorchDoes((block, input) => maxPool(block, input, unused))
  })

  it("gradients through rectifiers: NaN and infinities are PyTorch's", async () => {
    await tf.setBackend(backendName)
    await rectifiesAsPyTorchDoes(operatorsOf(machine))
    await rectifiesAsPyTorchDoes(composed)
  })

  it("products of matrices", async () => {
    for (const [rows, depth, columns] of [
      [1, 9, 70],
      [7, 33, 16],
      [40, 5, 3]
    ] as const) {
      const plain = { transposeA: false, transposeB: false }
      await agrees("BatchMatMul", { a: [rows, depth], b: [depth, columns] }, plain)
      await agrees("BatchMatMul", { a: [rows, depth], b: [columns, depth] }, { ...plain, transposeB: true })
      await agrees("BatchMatMul", { a: [depth, rows], b: [depth, columns] }, { ...plain, transposeA: true })
      const fused = { ...plain, activation: "relu6", leakyreluAlpha: 0 }
      await agrees("_FusedMatMul", { a: [1, rows, depth], b: [1, depth, columns], bias: [columns] }, fused)
    }
  })

  it("rectifiers", async () => {
    await agrees("Relu", { x: [3, 7, 5] }, {})
    await agrees("Relu6", { x: [3, 7, 5] }, {})
  })
})
