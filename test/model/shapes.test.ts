import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Block } from "../../src/model/Block.ts"
import type { Network } from "../../src/model/Network.ts"
import { mobilenetV2 } from "../../src/model/networks/mobilenetV2.ts"
import { simpleCnn } from "../../src/model/networks/simpleCnn.ts"
import { vgg16 } from "../../src/model/networks/vgg16.ts"
import {
  checkNetwork,
  countParameters,
  outputShape,
  parameters,
  ShapeMismatch,
  window
} from "../../src/model/shapes.ts"

const count = (network: Network) => countParameters(parameters(network))

const simple = (height: number, width: number) => simpleCnn.build({ height, width, classes: 70 })

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const mismatch = (run: () => unknown): ShapeMismatch => {
  try {
    run()
  } catch (error) {
    assert.instanceOf(error, ShapeMismatch)
    return error
  }
  return assert.fail("fits")
}

describe("parameters", () => {
  it("counts simple-cnn's as PyTorch does", () => {
    assert.strictEqual(count(simple(64, 64)), 449_478)
    assert.strictEqual(count(simple(224, 224)), 5_036_998)
  })

  it("counts torchvision's networks as sum(p.numel() for p in model.parameters()) does: running statistics are buffers", () => {
    const size = { height: 224, width: 224, head: "fc", padding: "symmetric" } as const
    assert.strictEqual(count(mobilenetV2.build({ ...size, classes: 1000 })), 3_504_872)
    assert.strictEqual(count(mobilenetV2.build({ ...size, classes: 70 })), 2_313_542)
    assert.strictEqual(count(vgg16.build({ ...size, classes: 1000 })), 138_357_544)
  })

  it("takes images that are not square, and sizes that the poolings do not divide", () => {
    // 61 x 83: 57 x 79, 28 x 39; 26 x 37, 13 x 18; 11 x 16, 5 x 8; 3 x 6, 1 x 3.
    const fc1 = parameters(simple(61, 83)).find(({ name }) => name === "fc1.weight")
    assert.deepStrictEqual(fc1?.shape, [512, 64 * 1 * 3])
    const turned = parameters(simple(83, 61)).find(({ name }) => name === "fc1.weight")
    assert.deepStrictEqual(turned?.shape, [512, 64 * 3 * 1])
  })

  it("names and orders the tensors as PyTorch does, and says which are trained", () => {
    const network: Network = {
      name: "small",
      height: 9,
      width: 7,
      classes: 2,
      blocks: [
        {
          _tag: "Conv2d",
          name: "a",
          filters: 4,
          kernel: [3, 2],
          stride: 2,
          padding: 1,
          bias: false,
          init: "he-normal"
        },
        { _tag: "BatchNorm", name: "b", eps: 1e-5, momentum: 0.1 },
        {
          _tag: "Residual",
          blocks: [
            {
              _tag: "DepthwiseConv2d",
              name: "c",
              kernel: [3, 5],
              stride: 1,
              padding: "same",
              bias: true,
              init: "torch"
            }
          ]
        },
        { _tag: "GlobalAveragePool" },
        { _tag: "Dense", name: "d", units: 2, bias: true, init: "xavier-uniform" }
      ]
    }
    assert.deepStrictEqual(parameters(network), [
      { name: "a.weight", shape: [4, 3, 3, 2], trainable: true, init: { kind: "he-normal", fanIn: 18, fanOut: 24 } },
      { name: "b.weight", shape: [4], trainable: true, init: 1 },
      { name: "b.bias", shape: [4], trainable: true, init: 0 },
      { name: "b.running_mean", shape: [4], trainable: false, init: 0 },
      { name: "b.running_var", shape: [4], trainable: false, init: 1 },
      { name: "c.weight", shape: [4, 1, 3, 5], trainable: true, init: { kind: "torch", fanIn: 15, fanOut: 60 } },
      { name: "c.bias", shape: [4], trainable: true, init: { kind: "torch", fanIn: 15, fanOut: 60 } },
      { name: "d.weight", shape: [2, 4], trainable: true, init: { kind: "xavier-uniform", fanIn: 4, fanOut: 2 } },
      { name: "d.bias", shape: [2], trainable: true, init: 0 }
    ])
  })

  it("says which block the images are too small for, and what reaches it", () => {
    assert.doesNotThrow(() => parameters(simple(48, 48)))
    const { block, input, message } = mismatch(() => parameters(simple(64, 47)))
    assert.strictEqual(block, "MaxPool")
    assert.deepStrictEqual(input, [4, 1, 64])
    assert.include(message, "too small")
    assert.strictEqual(mismatch(() => parameters(simple(18, 64))).block, "conv3")
  })

  it("refuses a network that does not end in its classes", () => {
    const network = simple(64, 64)
    assert.include(mismatch(() => checkNetwork({ ...network, classes: 71 })).message, "71 logits")
    assert.include(
      mismatch(() => checkNetwork({ ...network, blocks: network.blocks.slice(0, 3) })).message,
      "70 logits"
    )
  })
})

describe("outputShape", () => {
  const dense: Block = { _tag: "Dense", name: "fc", units: 3, bias: true, init: "torch" }

  it("tells images from flat values", () => {
    assert.deepStrictEqual(outputShape({ _tag: "Flatten" }, [5, 3, 2]), [30])
    assert.deepStrictEqual(outputShape({ _tag: "GlobalAveragePool" }, [5, 3, 2]), [2])
    assert.deepStrictEqual(outputShape(dense, [30]), [3])
    assert.deepStrictEqual(outputShape(dense, [5, 3, 2]), [5, 3, 3])
    assert.deepStrictEqual(outputShape(dense, [7, 2]), [7, 3])
    assert.strictEqual(
      mismatch(() => outputShape({ _tag: "Heads", heads: [{ blocks: [dense] }] }, [5, 3, 2])).block,
      "Heads"
    )
    assert.strictEqual(mismatch(() => outputShape({ _tag: "Flatten" }, [30])).block, "Flatten")
  })

  it("tells tokens from both, and refuses heads that do not divide their channels", () => {
    const attention = (heads: number): Block => ({ _tag: "Attention", name: "own", heads })
    assert.deepStrictEqual(outputShape({ _tag: "Tokens" }, [5, 3, 2]), [15, 2])
    assert.deepStrictEqual(outputShape({ _tag: "ClassToken", name: "token" }, [15, 2]), [16, 2])
    assert.deepStrictEqual(outputShape(attention(3), [15, 6]), [15, 6])
    assert.deepStrictEqual(outputShape({ _tag: "FirstToken" }, [15, 6]), [6])
    assert.deepStrictEqual(outputShape({ _tag: "Flatten" }, [15, 6]), [90])
    assert.strictEqual(mismatch(() => outputShape(attention(4), [15, 6])).block, "own")
    for (const shape of [[5, 3, 2], [30]] as const)
      assert.strictEqual(mismatch(() => outputShape(attention(1), shape)).block, "own")
    assert.strictEqual(mismatch(() => outputShape({ _tag: "Tokens" }, [15, 2])).block, "Tokens")
    assert.strictEqual(
      mismatch(() => outputShape({ _tag: "LayerScale", name: "s", initial: 1 }, [2])).block,
      "LayerScale"
    )
  })

  it("refuses a gate whose factors are neither one pixel nor as many as there are", () => {
    const gate = (...blocks: ReadonlyArray<Block>): Block => ({ _tag: "Gate", blocks })
    const sigmoid: Block = { _tag: "Activation", kind: "sigmoid" }
    assert.deepStrictEqual(outputShape(gate(sigmoid), [5, 4, 2]), [5, 4, 2])
    assert.deepStrictEqual(outputShape(gate({ _tag: "AdaptiveAveragePool", size: [1, 1] }), [5, 4, 2]), [5, 4, 2])
    for (const inner of [dense, { _tag: "AdaptiveAveragePool", size: [5, 1] }, { _tag: "GlobalAveragePool" }] as const)
      assert.strictEqual(mismatch(() => outputShape(gate(inner), [5, 4, 2])).block, "Gate")
  })

  it("refuses a residual that does not end as it began", () => {
    assert.deepStrictEqual(outputShape({ _tag: "Residual", blocks: [dense] }, [3]), [3])
    assert.strictEqual(mismatch(() => outputShape({ _tag: "Residual", blocks: [dense] }, [4])).block, "Residual")
  })
})

describe("window", () => {
  it("pads an odd pixel at the end where padding is `same`", () => {
    assert.deepStrictEqual(window(8, 3, 2, "same"), { before: 0, after: 1, output: 4 })
    assert.deepStrictEqual(window(11, 3, 2, "same"), { before: 1, after: 1, output: 6 })
    assert.deepStrictEqual(window(8, 3, 2, 1), { before: 1, after: 1, output: 4 })
    assert.deepStrictEqual(window(5, 1, 2, "same"), { before: 0, after: 0, output: 3 })
  })

  it.prop(
    "fits as many windows as there is room for",
    { input: between(1, 60), kernel: between(1, 9), stride: between(1, 4), padding: between(0, 4) },
    ({ input, kernel, padding, stride }) => {
      let room = 0
      for (let at = -padding; at + kernel <= input + padding; at += stride) room++
      assert.strictEqual(Math.max(0, window(input, kernel, stride, padding).output), room)
      const same = window(input, kernel, stride, "same")
      assert.strictEqual(same.output, Math.ceil(input / stride))
      assert.isAtMost(same.after - same.before, 1)
      assert.isAtLeast(same.after, same.before)
      // The last window ends where the padding ends, or leaves out what a wide stride jumps over.
      assert.isAtMost((same.output - 1) * stride + kernel, Math.max(input + same.before + same.after, kernel + input))
    }
  )
})
