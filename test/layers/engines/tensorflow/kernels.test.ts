import { assert, describe, it } from "@effect/vitest"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { backendFolder, readInstalled } from "../../../../src/layers/backend/BackendFolder.ts"
import { deviceConfig } from "../../../../src/layers/engines/tensorflow/deviceConfig.ts"
import { filterGradient } from "../../../../src/layers/engines/tensorflow/conv2d.ts"
import {
  activationNumber,
  finishInPlace,
  isOwnActivation
} from "../../../../src/layers/engines/tensorflow/activation.ts"
import { batchNorm } from "../../../../src/layers/engines/tensorflow/batchNorm.ts"
import { byColumns } from "../../../../src/layers/engines/tensorflow/columns.ts"
import { batchNormDepthwise, isTogether } from "../../../../src/layers/engines/tensorflow/batchNormDepthwise.ts"
import * as depthwise from "../../../../src/layers/engines/tensorflow/depthwiseConv2d.ts"
import { inputGradient, slideShifted } from "../../../../src/layers/engines/tensorflow/depthwiseConv2d.ts"
import { isExpansion } from "../../../../src/layers/engines/tensorflow/expandDepthwise.ts"
import { fusedWith } from "../../../../src/layers/engines/tensorflow/fusedAt.ts"
import { gate } from "../../../../src/layers/engines/tensorflow/gate.ts"
import { gate as anyGate } from "../../../../src/layers/engines/tfjs/gate.ts"
import { residual as composedResidual } from "../../../../src/layers/engines/tfjs/residual.ts"
import { smooth } from "../../../../src/layers/engines/tfjs/smooth.ts"
import { pointwise } from "../../../../src/layers/engines/tensorflow/pointwise.ts"
import { matMul } from "../../../../src/layers/engines/tensorflow/products.ts"
import { maxPool, quartered, quarters } from "../../../../src/layers/engines/tensorflow/maxPool.ts"
import { gelu, geluInPlace } from "../../../../src/layers/engines/tensorflow/gelu.ts"
import { kernelsName } from "../../../../src/layers/engines/tensorflow/kernelsName.ts"
import type { OpenBackend } from "../../../../src/layers/engines/tensorflow/openBackend.ts"
import { backendName, openBackend } from "../../../../src/layers/engines/tensorflow/openBackend.ts"
import type { Runner } from "../../../../src/layers/engines/tensorflow/Runner.ts"
import { runWindowOf } from "../../../../src/layers/engines/tensorflow/window.ts"
import { applyAll } from "../../../../src/layers/engines/tfjs/apply.ts"
import type { FusedAt, Pass } from "../../../../src/layers/engines/tfjs/Pass.ts"
import type { Activation, Block, Padding } from "../../../../src/model/Block.ts"
import { draw } from "../../../../src/pipeline/draw.ts"
import { poolsAsPyTorchDoes } from "../tfjs/asPyTorch.ts"
import { fusedWith as composedWith } from "../../../../src/layers/engines/tfjs/fusedAt.ts"
import { operators } from "../tfjs/plainDevice.ts"

const installed = readInstalled(backendFolder())
const isThere = installed !== undefined && existsSync(join(installed.folder, kernelsName()))

/** Numbers from -2 to 2 of a seed, some of them equal. */
const numbers = (shape: ReadonlyArray<number>, seed: string): tf.Tensor => {
  const uniform = draw(7, seed)
  const size = tf.util.sizeFromShape([...shape])
  return tf.tensor(
    Float32Array.from({ length: size }, () => Math.round(uniform.next() * 400) / 100 - 2),
    [...shape]
  )
}

const distance = (a: tf.Tensor, b: tf.Tensor): number => {
  assert.deepStrictEqual(a.shape, b.shape)
  return tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]! / Math.max(1, tf.max(tf.abs(b)).dataSync()[0]!)
}

const depthwiseOf = (side: number, stride: number, padding: Padding) =>
  ({
    _tag: "DepthwiseConv2d",
    name: "depthwise",
    kernel: [side, side],
    stride,
    padding,
    bias: false,
    init: "torch"
  }) as const

const kinds = ["relu", "relu6", "silu", "hard-swish"] as const

/** The activations in float64. */
const exact: Readonly<Record<(typeof kinds)[number], (x: number) => number>> = {
  relu: (x) => Math.max(x, 0),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  silu: (x) => x / (1 + Math.exp(-x)),
  "hard-swish": (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6
}

/** An activation by TensorFlow.js's own operations: what it gives, and the gradient through it. */
const activated = (run: Runner, kind: (typeof kinds)[number] | undefined, x: tf.Tensor) => {
  switch (kind) {
    case undefined:
      return { output: x, before: (dy: tf.Tensor) => dy }
    case "relu":
      return { output: tf.relu(x), before: (dy: tf.Tensor) => run.one("ReluGrad", [run.float], dy, x) }
    case "relu6":
      return { output: tf.clipByValue(x, 0, 6), before: (dy: tf.Tensor) => run.one("Relu6Grad", [run.float], dy, x) }
    default:
      return smooth(kind, x)
  }
}

/** Batch norm by the running statistics. */
const passOf = (run: Runner): Pass => ({
  training: false,
  batchStatistics: false,
  fusedAt: fusedWith(run),
  weights: new Map(),
  gradients: new Map(),
  running: new Map(),
  mask: () => new Float32Array()
})

describe.skipIf(!isThere)("Weft's own operations in TensorFlow", () => {
  /** TensorFlow is opened once in a process. */
  let opened: OpenBackend | undefined
  const running = Effect.gen(function* () {
    const config = deviceConfig({ device: "cpu", memoryGrowth: true })
    const { run } = (opened ??= openBackend(installed!.folder, config, false)) // there, or the test is skipped
    yield* Effect.promise(() => tf.setBackend(backendName))
    return run
  })
  const open = (test: (run: Runner) => void) => Effect.map(running, (run) => tf.tidy(() => test(run)))

  it.effect("the filter gradients are TensorFlow's, for any padding and stride", () =>
    open((run) => {
      for (const [kernel, stride, padding, channels] of [
        [[3, 5], 1, 0, 5],
        [[5, 3], 1, 1, 4],
        [[3, 3], 2, 1, 3],
        [[2, 3], 2, "same", 7],
        [[3, 3], 1, "same", 16],
        [[3, 3], 2, 1, 9]
      ] as const) {
        const filters = channels === 9 ? 48 : 64
        const input = numbers([2, 21, 37, channels], "input")
        const filter = numbers([...kernel, channels, filters], "filter")
        const on = runWindowOf(run, { kernel, padding, stride }, input)
        const dy = numbers(run.one("Conv2D", on.attributes, input, filter).shape, "dy")
        const theirs = run.one("Conv2DBackpropFilter", on.attributes, input, run.ints(...filter.shape), dy)
        assert.isBelow(distance(filterGradient(run, on, input, filter, dy), theirs), 1e-5, `${kernel} ${padding}`)
      }
    })
  )

  it.effect("a convolution by columns has TensorFlow's values and gradients, for any kernel, padding and stride", () =>
    open((run) => {
      for (const [kernel, stride, padding, images, channels] of [
        [[3, 3], 2, 1, 3, 17],
        [[3, 3], 1, 1, 1, 32],
        [[1, 1], 2, 0, 1, 5],
        [[1, 1], 3, 0, 2, 16],
        [[2, 2], 2, 0, 2, 3],
        [[5, 3], 2, "same", 2, 7],
        [[2, 3], 3, 1, 3, 1],
        [[7, 7], 4, 3, 1, 4]
      ] as const) {
        const shown = `${kernel} ${stride} ${padding}`
        const input = numbers([images, 9, 14, channels], "input")
        const filter = numbers([...kernel, channels, 11], "filter")
        const { attributes, window } = runWindowOf(run, { kernel, padding, stride }, input)
        const theirs = run.one("Conv2D", attributes, input, filter)
        assert.isBelow(distance(byColumns.forward(run, window, input, filter), theirs), 1e-5, shown)
        const dy = numbers(theirs.shape, "dy")
        const dw = run.one("Conv2DBackpropFilter", attributes, input, run.ints(...filter.shape), dy)
        assert.isBelow(distance(byColumns.filterGradient(run, window, input, filter, dy), dw), 1e-5, shown)
        const dx = run.one("Conv2DBackpropInput", attributes, run.ints(...input.shape), filter, dy)
        assert.isBelow(distance(byColumns.inputGradient(run, window, filter, dy), dx), 1e-5, shown)
      }
    })
  )

  it.effect(
    "a depthwise convolution and the gradient of its input are TensorFlow's, for any kernel, padding and stride",
    () =>
      open((run) => {
        for (const [side, stride, padding, channels] of [
          [3, 1, "same", 70],
          [3, 2, 1, 64],
          [3, 2, "same", 5],
          [3, 1, 0, 130],
          [5, 1, 2, 33],
          [5, 2, "same", 48],
          [7, 1, 3, 16],
          [7, 2, 3, 7]
        ] as const) {
          const shown = `${side} ${stride} ${padding} ${channels}`
          const input = numbers([2, 13, 18, channels], "input")
          const block = depthwiseOf(side, stride, padding)
          const weight = numbers([side, side, 1, channels], "weight")
          const on = runWindowOf(run, block, input)
          const filter = run.reshape(weight, [side, side, channels, 1])
          const shift = numbers([channels], "shift")
          const theirs = run.one("DepthwiseConv2dNative", on.attributes, input, filter)
          const ours = slideShifted(run, block, input, weight, shift, { _tag: "Activation", kind: "relu6" })
          assert.isBelow(distance(ours, tf.clipByValue(tf.add(theirs, shift), 0, 6)), 1e-5, shown)
          const dy = numbers(theirs.shape, "dy")
          const sizes = run.ints(...input.shape)
          const back = run.one("DepthwiseConv2dNativeBackpropInput", on.attributes, sizes, filter, dy)
          assert.isBelow(distance(inputGradient(run, on, filter, dy), back), 1e-5, shown)
        }
      })
  )

  it.effect("a folded convolution gives what the convolution, its batch norm and the activation give", () =>
    open((run) => {
      const norm = { _tag: "BatchNorm", name: "norm", eps: 1e-3, momentum: 0.1 } as const
      const conv = { _tag: "Conv2d", name: "conv", filters: 24, bias: false, init: "torch" } as const
      for (const block of [
        { ...conv, kernel: [1, 1], stride: 1, padding: 0 },
        { ...conv, kernel: [3, 3], stride: 2, padding: 1 },
        { ...depthwiseOf(3, 2, 1), name: "conv" }
      ] as const) {
        const channels = block._tag === "Conv2d" ? 24 : 10
        const weights = new Map([
          ["conv.weight", numbers([...block.kernel, block._tag === "Conv2d" ? 10 : 1, channels], "weight")],
          ["norm.weight", numbers([channels], "scale")],
          ["norm.bias", numbers([channels], "bias")],
          ["norm.running_mean", numbers([channels], "mean")],
          ["norm.running_var", tf.abs(numbers([channels], "variance"))]
        ])
        const input = numbers([2, 9, 12, 10], "input")
        const kept = input.clone()
        for (const kind of kinds) {
          const applied = (training: boolean) => {
            const pass = { ...passOf(run), weights, training }
            const { apply, length } = pass.fusedAt(block, [norm, { _tag: "Activation", kind }])
            assert.strictEqual(length, 3)
            return apply(input, pass).output
          }
          assert.isBelow(distance(applied(false), applied(true)), 1e-5, `${block._tag} ${kind}`)
          assert.strictEqual(distance(input, kept), 0)
        }
      }
    })
  )

  it.effect("the filter gradient of a depthwise convolution is TensorFlow's, for any kernel, padding and stride", () =>
    open((run) => {
      for (const [side, stride, padding, channels] of [
        [3, 1, "same", 48],
        [3, 2, "same", 72],
        [3, 2, 1, 16],
        [3, 1, 0, 5],
        [5, 1, 2, 120],
        [5, 2, "same", 21],
        [5, 2, 2, 32],
        [7, 1, 3, 40],
        [7, 2, "same", 18]
      ] as const) {
        const input = numbers([3, 9, 14, channels], "input")
        const shape = [side, side, channels, 1] as const
        const on = runWindowOf(run, { kernel: [side, side], padding, stride }, input)
        const plain = run.one("DepthwiseConv2dNative", on.attributes, input, numbers(shape, "filter"))
        const dy = numbers(plain.shape, "dy")
        const theirs = run.one("DepthwiseConv2dNativeBackpropFilter", on.attributes, input, run.ints(...shape), dy)
        const ours = depthwise.filterGradient(run, on, shape, input, dy)
        assert.isBelow(distance(ours, theirs), 1e-5, `${side} ${stride} ${padding} ${channels}`)
      }
    })
  )

  it.effect("activations are exact to float32, at corners, far out and for what is not a number", () =>
    open((run) => {
      const corners = [-3, 3, 0, 6, -0, 1e-30, -88, -90, 88, 200, -200, 1e30, NaN]
      const x = tf.tensor2d([...corners, ...Array.from({ length: 2400 }, (_, i) => i / 50 - 24)], [2413, 1])
      for (const kind of kinds) {
        const ours = tf.clone(tf.add(x, 0))
        const activation = { _tag: "Activation", kind } as const
        finishInPlace(run, ours, tf.zeros([1]), activation)
        const given = x.dataSync()
        for (const [i, value] of [...ours.dataSync()].entries()) {
          const wanted = exact[kind](given[i]!)
          if (Number.isNaN(wanted)) assert.isNaN(value, kind)
          else assert.closeTo(value, wanted, 4e-7 * Math.abs(wanted) + 1e-30, `${kind} at ${given[i]}`)
        }
      }
    })
  )

  it.effect("a convolution of single pixels is TensorFlow's product, with its gradients and its statistics", () =>
    open((run) => {
      for (const [images, k, n] of [
        [3, 20, 70],
        [1, 3, 5],
        [2, 64, 48],
        [1, 33, 1],
        [40, 24, 144],
        // The gradient's sums are of groups of channels, and not of pieces of rows.
        [2, 260, 130]
      ] as const) {
        const shown = `${images} ${k} ${n}`
        const input = numbers([images, 7, 11, k], "input")
        const filter = numbers([1, 1, k, n], "filter")
        const dy = numbers([images, 7, 11, n], "dy")
        const [a, b, c] = [tf.reshape(input, [-1, k]), tf.reshape(filter, [k, n]), tf.reshape(dy, [-1, n])]
        const product = matMul(run, a, b)
        const { plain, statistics } = pointwise.forward(run, input, filter, true)
        assert.isBelow(distance(plain, tf.reshape(product, dy.shape)), 1e-5, shown)
        assert.isUndefined(pointwise.forward(run, input, filter, false).statistics)
        const { mean, variance } = tf.moments(product, 0)
        const rows = images * 77
        assert.isBelow(distance(statistics!, tf.stack([mean, tf.mul(variance, rows)])), 1e-4, shown)
        const { change, dx } = pointwise.gradients(run, input, filter, dy, true)
        assert.isBelow(distance(dx!, tf.reshape(matMul(run, c, b, false, true), input.shape)), 1e-5, shown)
        assert.isBelow(distance(change, tf.reshape(matMul(run, a, c, true), filter.shape)), 1e-5, shown)
        const unasked = pointwise.gradients(run, input, filter, dy, false)
        assert.isUndefined(unasked.dx)
        assert.strictEqual(distance(unasked.change, change), 0, shown)
        // What a batch norm behind it has left open: scale * dy + slope * (output - centre) + offset.
        const terms = numbers([4, n], "terms")
        const [centre, scale, slope, offset] = tf.unstack(terms) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor] // four
        const rest = tf.add(tf.mul(slope, tf.sub(plain, centre)), offset)
        const theirs = pointwise.gradients(run, input, filter, tf.add(tf.mul(scale, dy), rest), true)
        const ours = pointwise.gradients(run, input, filter, tf.add(dy, 0), true, { output: plain, terms })
        assert.isBelow(distance(ours.dx!, theirs.dx!), 1e-5, shown)
        assert.isBelow(distance(ours.change, theirs.change), 1e-5, shown)
      }
    })
  )

  it.effect("the statistics of a convolution's output lose no digits to a large mean", () =>
    open((run) => {
      // Ones, and a filter that adds the large number: y is the number and what the rest of x makes.
      const small = numbers([3, 40, 30, 1], "x")
      const input = tf.concat([small, tf.onesLike(small)], 3)
      const filter = (far: number) => tf.tensor4d([1, far], [1, 1, 2, 1])
      const squares = (far: number) => pointwise.forward(run, input, filter(far), true).statistics!.dataSync()[1]!
      assert.closeTo(squares(4096) / squares(0), 1, 1e-3)
    })
  )

  it.effect("a squeeze-and-excitation gives what TensorFlow.js's operations give, forward and backward", () =>
    open((run) => {
      for (const [shape, squeezed] of [
        [[3, 5, 9, 20], 4],
        [[2, 40, 30, 16], 8],
        [[1, 1, 1, 3], 1]
      ] as const) {
        const channels = shape[3]
        const conv = (name: string, filters: number): Block => ({
          _tag: "Conv2d",
          name,
          filters,
          kernel: [1, 1],
          stride: 1,
          padding: 0,
          bias: true,
          init: "torch"
        })
        const block: Block = {
          _tag: "Gate",
          blocks: [
            { _tag: "AdaptiveAveragePool", size: [1, 1] },
            conv("fc1", squeezed),
            { _tag: "Activation", kind: "relu" },
            conv("fc2", channels),
            { _tag: "Activation", kind: "hard-sigmoid" }
          ]
        }
        const weights = new Map([
          ["fc1.weight", numbers([1, 1, channels, squeezed], "fc1")],
          ["fc1.bias", numbers([squeezed], "fc1 bias")],
          ["fc2.weight", numbers([1, 1, squeezed, channels], "fc2")],
          ["fc2.bias", numbers([channels], "fc2 bias")]
        ])
        const input = numbers(shape, "input")
        const dy = numbers(shape, "dy")
        const applied = (kernel: typeof anyGate, wanted: boolean) => {
          const pass = { ...passOf(run), training: true, weights, gradients: new Map<string, tf.Tensor>() }
          const { backward, output } = kernel(block, input, pass)
          return { output, dx: backward(dy, wanted), gradients: pass.gradients }
        }
        const ours = applied(gate(run), true)
        const theirs = applied(anyGate, true)
        assert.isBelow(distance(ours.output, theirs.output), 1e-5)
        assert.isBelow(distance(ours.dx!, theirs.dx!), 1e-5)
        const unasked = applied(gate(run), false)
        assert.isUndefined(unasked.dx)
        assert.strictEqual(theirs.gradients.size, 4)
        for (const { gradients } of [ours, unasked])
          for (const [name, gradient] of theirs.gradients)
            assert.isBelow(distance(gradients.get(name)!, gradient), 1e-5, name)
      }
    })
  )

  it.effect("pooling takes the first of equal numbers and the last of NaN, and leaves odd edges alone", () =>
    open((run) => {
      const x = tf.tensor4d([1, 3, 3, 9, 2, 3, 0, 9, NaN, 1, -1, 9, 0, NaN, -1, 9, 9, 9, 9, 9], [1, 5, 4, 1])
      const [y, which] = run.many("WeftMaxPool", [run.int("activation", 1)], [x, tf.tensor1d([-4])], 2)
      assert.deepStrictEqual([...y!.dataSync()], [0, 5, NaN, 5])
      const size = [run.int("height", 5), run.int("width", 4)]
      const [dx, sums] = run.many("WeftMaxPoolGrad", size, [tf.tensor4d([7, 8, 10, 20], [1, 2, 2, 1]), which!], 2)
      assert.deepStrictEqual([...dx!.dataSync()], [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 20, 0, 10, 0, 0, 0, 0, 0, 0])
      assert.deepStrictEqual([...sums!.dataSync()], [38])
    })
  )

  it.effect("pooling by any windows is PyTorch's where they have NaN and infinities, forward and backward", () =>
    Effect.gen(function* () {
      const run = yield* running
      yield* Effect.promise(() =>
        poolsAsPyTorchDoes((block, input) => {
          if (!quarters(run, block, input)) return maxPool(run, block, input)
          const { backward, output } = quartered(run, input, undefined, undefined)
          return { output, backward: (dy) => backward(dy).gradient }
        })
      )
      yield* Effect.promise(() => poolsAsPyTorchDoes((block, input) => maxPool(run, block, input)))
    })
  )

  it.effect("batch norm loses no digits to a large mean, and agrees with TensorFlow's gradients", () =>
    open((run) => {
      const [weight, bias] = [numbers([24], "weight"), numbers([24], "bias")]
      const [zeros, ones] = [tf.zeros([24]), tf.ones([24])]
      const settings = [run.number("epsilon", 1e-5), run.number("momentum", 1)]
      const none = run.int("activation", 0)
      const shape = [3, 7, 11, 24]
      const small = numbers(shape, "x")
      const inputs = (x: tf.Tensor) => [x, weight, bias, zeros, ones]
      const [, , variance] = run.many("WeftBatchNorm", [...settings, none], [...inputs(small), run.nothing], 5)
      const far = tf.add(small, 4096) // in hundredths, which are rounded there
      const [, , farVariance] = run.many("WeftBatchNorm", [...settings, none], [...inputs(far), run.nothing], 5)
      assert.isBelow(distance(farVariance!, variance!), 1e-3)

      const attributes = [
        run.float,
        run.type("U", run.types.float),
        run.number("epsilon", 1e-5),
        run.text("data_format", "NHWC"),
        run.bool("is_training", true)
      ]
      const [normal, , , ...kept] = run.many("FusedBatchNormV3", attributes, inputs(small), 6)
      const dy = numbers(shape, "dy")
      for (const kind of [undefined, ...kinds]) {
        const activation: typeof Activation.Type | undefined = kind && { _tag: "Activation", kind }
        const number = run.int("activation", activationNumber(isOwnActivation(activation) ? activation : undefined))
        const [output, , , ...statistics] = run.many(
          "WeftBatchNorm",
          [...settings, number],
          [...inputs(small), run.nothing],
          5
        )
        const wanted = activated(run, kind, normal!)
        assert.isBelow(distance(output!, wanted.output), 1e-5, kind)
        const before = wanted.before(dy)
        const theirs = run.many("FusedBatchNormGradV3", attributes, [before, small, weight, ...kept], 5)
        const ours = run.many("WeftBatchNormGrad", [number], [dy, small, weight, bias, ...statistics], 3)
        for (const [i, gradient] of ours.entries()) assert.isBelow(distance(gradient, theirs[i]!), 1e-5, kind)
      }
    })
  )

  it.effect("a batch norm and the depthwise convolution behind it are one, with the values and gradients of both", () =>
    open((run) => {
      const norm = { _tag: "BatchNorm", name: "norm", eps: 1e-3, momentum: 0.1 } as const
      for (const [side, stride, padding, channels, kind, images] of [
        [3, 1, 1, 20, "relu6", 3],
        [3, 2, 1, 72, "hard-swish", 2],
        [3, 2, "same", 16, "silu", 9],
        [3, 1, 0, 5, "relu", 1],
        [5, 1, 2, 120, "hard-swish", 2],
        [5, 2, "same", 33, "relu", 1],
        [5, 2, 2, 48, "silu", 8],
        [5, 1, 2, 7, undefined, 2]
      ] as const) {
        const shown = `${side} ${stride} ${padding} ${channels} ${kind}`
        const block = depthwiseOf(side, stride, padding)
        const weights = new Map([
          ["depthwise.weight", numbers([side, side, 1, channels], "weight")],
          ["norm.weight", numbers([channels], "scale")],
          ["norm.bias", numbers([channels], "bias")],
          ["norm.running_mean", numbers([channels], "mean")],
          ["norm.running_var", tf.abs(numbers([channels], "variance"))]
        ])
        const passed = () => {
          const [gradients, running] = [new Map<string, tf.Tensor>(), new Map<string, tf.Tensor>()]
          return { ...passOf(run), training: true, batchStatistics: true, weights, gradients, running }
        }
        const given = () => numbers([images, 9, 14, channels], "input")
        const [together, apart] = [passed(), passed()]
        const activation: typeof Activation.Type | undefined = kind && { _tag: "Activation", kind }
        const own = isOwnActivation(activation) ? activation : undefined
        const input = given()
        const before = { output: input, backward: (gradient: tf.Tensor) => tf.clone(gradient) }
        assert.isTrue(isTogether(run, block, input, together), shown)
        assert.isFalse(isTogether(run, { ...block, bias: true }, input, together), shown)
        assert.isFalse(isTogether(run, block, input, { ...together, batchStatistics: false }), shown)
        const ours = batchNormDepthwise(run, norm, own, block, before, together)
        const first = batchNorm(run, norm, own, { input: given(), owned: false }, apart)
        const second = depthwise.depthwiseConv2d(run, undefined)(block, first.output, apart)
        assert.isBelow(distance(ours.output, second.output), 1e-5, shown)
        const dy = numbers(second.output.shape, "dy")
        const dx = first.backward(second.backward(dy, true)!, true)!
        assert.isBelow(distance(ours.backward(dy, true)!, dx), 1e-5, shown)
        assert.strictEqual(apart.gradients.size + apart.running.size, 5)
        for (const [name, gradient] of apart.gradients)
          assert.isBelow(distance(together.gradients.get(name)!, gradient), 1e-5, `${shown} ${name}`)
        for (const [name, statistic] of apart.running)
          assert.strictEqual(distance(together.running.get(name)!, statistic), 0, `${shown} ${name}`)
      }
    })
  )

  it.effect("blocks that are computed together give what they give one by one, in training and in inference", () =>
    open((run) => {
      const norm = (name: string) => ({ _tag: "BatchNorm", name, eps: 1e-3, momentum: 0.1 }) as const
      const conv = { _tag: "Conv2d", name: "conv", filters: 24, kernel: [1, 1], stride: 1, padding: 0 } as const
      const active = { _tag: "Activation", kind: "hard-swish" } as const
      const blocks: ReadonlyArray<Block> = [
        { ...conv, bias: false, init: "torch" },
        norm("before"),
        active,
        depthwiseOf(5, 2, 2),
        norm("behind"),
        active
      ]
      const statistics = (name: string): ReadonlyArray<readonly [string, tf.Tensor]> => [
        [`${name}.weight`, numbers([24], `${name} weight`)],
        [`${name}.bias`, numbers([24], `${name} bias`)],
        [`${name}.running_mean`, numbers([24], `${name} mean`)],
        [`${name}.running_var`, tf.add(tf.abs(numbers([24], `${name} variance`)), 0.5)]
      ]
      const weights = new Map([
        ["conv.weight", numbers([1, 1, 10, 24], "conv")],
        ["depthwise.weight", numbers([5, 5, 1, 24], "depthwise")],
        ...statistics("before"),
        ...statistics("behind")
      ])
      for (const [training, batchStatistics] of [
        [true, true],
        [true, false],
        [false, false]
      ] as const) {
        const shown = `${training} ${batchStatistics}`
        const passed = (fusedAt: Pass["fusedAt"]) => {
          const [gradients, running] = [new Map<string, tf.Tensor>(), new Map<string, tf.Tensor>()]
          return { ...passOf(run), training, batchStatistics, fusedAt, weights, gradients, running }
        }
        const together = passed(fusedWith(run))
        assert.strictEqual(together.fusedAt(blocks[0]!, blocks.slice(1)).length, 6)
        const single = passed((block) => fusedWith(run)(block, []))
        const [ours, theirs] = [together, single].map((pass) =>
          applyAll(blocks, numbers([2, 9, 14, 10], "input"), pass)
        )
        assert.isBelow(distance(ours!.output, theirs!.output), 1e-5, shown)
        if (!training) continue
        const dy = numbers(theirs!.output.shape, "dy")
        assert.isBelow(distance(ours!.backward(dy, true)!, theirs!.backward(dy, true)!), 1e-5, shown)
        assert.strictEqual(single.gradients.size, 6)
        for (const [name, gradient] of single.gradients)
          assert.isBelow(distance(together.gradients.get(name)!, gradient), 1e-5, `${shown} ${name}`)
      }
    })
  )

  it.effect(
    "in inference a convolution to many channels and the depthwise one behind it are one, and give the same",
    () =>
      open((run) => {
        const norm = (name: string) => ({ _tag: "BatchNorm", name, eps: 1e-3, momentum: 0.1 }) as const
        const pointwise = (filters: number) =>
          ({
            _tag: "Conv2d",
            name: "conv",
            filters,
            kernel: [1, 1],
            stride: 1,
            padding: 0,
            bias: false,
            init: "torch"
          }) as const
        for (const [images, channels, kernel, stride, padding, before, behind] of [
          [9, 48, 3, 1, 1, "relu6", "relu6"],
          [9, 24, 3, 2, 1, "relu", undefined],
          [1, 56, 5, 1, "same", "silu", "hard-swish"],
          [2, 40, 5, 2, "same", "hard-swish", "silu"],
          [2, 7, 3, 2, 0, undefined, "relu"],
          [1, 16, 7, 1, 3, undefined, undefined]
        ] as const) {
          const active = (kind: (typeof kinds)[number] | undefined): ReadonlyArray<Block> =>
            kind === undefined ? [] : [{ _tag: "Activation", kind }]
          const expansion = pointwise(channels)
          const sliding = depthwiseOf(kernel, stride, padding)
          const blocks: ReadonlyArray<Block> = [
            expansion,
            norm("before"),
            ...active(before),
            sliding,
            norm("behind"),
            ...active(behind)
          ]
          const statistics = (name: string): ReadonlyArray<readonly [string, tf.Tensor]> => [
            [`${name}.weight`, numbers([channels], `${name} weight`)],
            [`${name}.bias`, numbers([channels], `${name} bias`)],
            [`${name}.running_mean`, numbers([channels], `${name} mean`)],
            [`${name}.running_var`, tf.add(tf.abs(numbers([channels], `${name} variance`)), 0.5)]
          ]
          const weights = new Map([
            ["conv.weight", numbers([1, 1, 10, channels], "conv")],
            ["depthwise.weight", numbers([kernel, kernel, 1, channels], "depthwise")],
            ["again.weight", numbers([3, 3, 1, channels], "again")],
            ...statistics("before"),
            ...statistics("behind")
          ])
          const shown = `${images} of ${channels}, ${kernel}x${kernel} by ${stride}, ${before}, ${behind}`
          for (const width of [15, 13]) {
            const input = numbers([images, 9, width, 10], "input")
            assert.isTrue(isExpansion(run, expansion, sliding, input), shown)
            // Behind the last, one that no operation takes in with the others.
            for (const more of [[], [{ ...depthwiseOf(3, 1, 1), name: "again" }, norm("before")]]) {
              const all = [...blocks, ...more]
              const [together, alone] = [fusedWith(run), (block: Block) => fusedWith(run)(block, [])].map(
                (fusedAt) => applyAll(all, input, { ...passOf(run), fusedAt, weights }).output
              )
              assert.isBelow(distance(together!, alone!), 1e-5, `${shown}, ${width} wide, ${more.length} more`)
            }
          }
        }
        assert.isFalse(isExpansion(run, pointwise(24), depthwiseOf(3, 1, 1), numbers([1, 4, 3, 65], "deep")))
      })
  )

  it.effect("a residual that ends in a batch norm gives what its blocks give one by one, forward and backward", () =>
    open((run) => {
      const oneByOne: FusedAt = (block) =>
        block._tag === "Residual"
          ? { length: 1, apply: (...rest) => composedResidual(block, ...rest) }
          : fusedWith(run)(block, [])
      for (const [images, filters, stride, kind, hasShortcut] of [
        [1, 10, 1, "relu", false],
        [3, 10, 1, "relu6", false],
        [3, 10, 1, undefined, false],
        [2, 24, 2, "relu", true],
        [1, 70, 2, "relu", true],
        [2, 33, 1, undefined, true]
      ] as const) {
        const layers = (name: string, kernel: number, filters: number, stride: number): ReadonlyArray<Block> => {
          const padding = (kernel - 1) / 2
          const common = { _tag: "Conv2d", bias: false, init: "torch" } as const
          return [
            { ...common, name, filters, kernel: [kernel, kernel], stride, padding },
            { _tag: "BatchNorm", name: `${name}.norm`, eps: 1e-3, momentum: 0.1 }
          ]
        }
        const relu = { _tag: "Activation", kind: "relu" } as const
        const inner = [...layers("first", 3, 13, stride), relu, ...layers("last", 1, filters, 1)]
        const shortcut = hasShortcut ? layers("beside", 1, filters, stride) : []
        const residual: Block = { _tag: "Residual", blocks: inner, ...(hasShortcut && { shortcut }) }
        const blocks: ReadonlyArray<Block> = [
          ...layers("stem", 1, 10, 1),
          relu,
          residual,
          ...(kind === undefined ? [] : [{ _tag: "Activation", kind } as const]),
          { _tag: "GlobalAveragePool" }
        ]
        const normed = (name: string, channels: number): ReadonlyArray<readonly [string, tf.Tensor]> => [
          [`${name}.norm.weight`, numbers([channels], `${name} weight`)],
          [`${name}.norm.bias`, numbers([channels], `${name} bias`)],
          [`${name}.norm.running_mean`, numbers([channels], `${name} mean`)],
          [`${name}.norm.running_var`, tf.add(tf.abs(numbers([channels], `${name} variance`)), 0.5)]
        ]
        const weights = new Map([
          ["stem.weight", numbers([1, 1, 10, 10], "stem")],
          ["first.weight", numbers([3, 3, 10, 13], "first")],
          ["last.weight", numbers([1, 1, 13, filters], "last")],
          ["beside.weight", numbers([1, 1, 10, filters], "beside")],
          ...normed("stem", 10),
          ...normed("first", 13),
          ...normed("last", filters),
          ...normed("beside", filters)
        ])
        for (const [training, batchStatistics] of [
          [true, true],
          [true, false],
          [false, false]
        ] as const) {
          const shown = `${images} ${filters} ${stride} ${kind} ${training} ${batchStatistics}`
          const passed = (fusedAt: Pass["fusedAt"]) => {
            const [gradients, running] = [new Map<string, tf.Tensor>(), new Map<string, tf.Tensor>()]
            return { ...passOf(run), training, batchStatistics, fusedAt, weights, gradients, running }
          }
          const [together, apart] = [passed(fusedWith(run)), passed(oneByOne)]
          const following = kind === undefined ? [] : [{ _tag: "Activation", kind } as const]
          assert.strictEqual(together.fusedAt(residual, following).length, kind === undefined ? 1 : 2)
          const input = numbers([images, 9, 7, 10], "input")
          const [ours, theirs] = [applyAll(blocks, input, together), applyAll(blocks, input, apart)]
          assert.isBelow(distance(ours.output, theirs.output), 1e-5, shown)
          assert.strictEqual(distance(input, numbers([images, 9, 7, 10], "input")), 0)
          if (!training) continue
          const dy = numbers(theirs.output.shape, "dy")
          assert.isBelow(distance(ours.backward(dy, true)!, theirs.backward(dy, true)!), 1e-4, shown)
          assert.strictEqual(distance(dy, numbers(theirs.output.shape, "dy")), 0)
          assert.strictEqual(apart.gradients.size, hasShortcut ? 12 : 9)
          assert.deepStrictEqual(new Set(together.gradients.keys()), new Set(apart.gradients.keys()))
          assert.deepStrictEqual(new Set(together.running.keys()), new Set(apart.running.keys()))
          for (const [name, gradient] of [...apart.gradients, ...apart.running]) {
            const own = together.gradients.get(name) ?? together.running.get(name)
            assert.isBelow(distance(own!, gradient), 1e-4, `${shown} ${name}`)
          }
        }
      }
    })
  )

  it.effect("a smooth activation behind a batch norm by the running statistics has its gradient too", () =>
    open((run) => {
      const norm = { _tag: "BatchNorm", name: "norm", eps: 1e-3, momentum: 0.1 } as const
      const weights = new Map([
        ["norm.weight", numbers([10], "scale")],
        ["norm.bias", numbers([10], "bias")],
        ["norm.running_mean", numbers([10], "mean")],
        ["norm.running_var", tf.add(tf.abs(numbers([10], "variance")), 0.5)]
      ])
      const input = numbers([2, 5, 7, 10], "input")
      const dy = numbers([2, 5, 7, 10], "dy")
      for (const kind of ["silu", "hard-swish"] as const) {
        const pass = { ...passOf(run), weights, gradients: new Map<string, tf.Tensor>() }
        const { apply, length } = pass.fusedAt(norm, [{ _tag: "Activation", kind }])
        assert.strictEqual(length, 2)
        const { backward, output } = apply(input, pass)
        const alone = { ...passOf(run), weights, gradients: new Map<string, tf.Tensor>() }
        const plain = alone.fusedAt(norm, []).apply(input, alone)
        const curve = smooth(kind, plain.output)
        assert.isBelow(distance(output, curve.output), 1e-5)
        assert.isBelow(distance(backward(dy, true)!, plain.backward(curve.before(dy), true)!), 1e-5)
        assert.isBelow(distance(pass.gradients.get("norm.weight")!, alone.gradients.get("norm.weight")!), 1e-5)
      }
    })
  )

  const dense = (name: string, units: number) =>
    ({ _tag: "Dense", name, units, bias: true, init: "torch" }) satisfies Block
  const layerNorm = (name: string) => ({ _tag: "LayerNorm", name, eps: 1e-6 }) satisfies Block
  const gelued = { _tag: "Activation", kind: "gelu" } satisfies Block

  /** Weights of some names and shapes; what a matrix gives is as large as what it was given. */
  const weightsOf = (shapes: Readonly<Record<string, ReadonlyArray<number>>>) =>
    new Map(
      Object.entries(shapes).map(([name, shape]) => {
        const [before = 1, after] = shape
        return [name, tf.div(numbers(shape, name), after === undefined ? 1 : Math.sqrt(before))]
      })
    )

  interface Case {
    readonly name: string
    readonly blocks: ReadonlyArray<Block>
    readonly input: ReadonlyArray<number>
    readonly weights: Readonly<Record<string, ReadonlyArray<number>>>
  }

  const normWeights = (name: string, channels: number) => ({
    [`${name}.weight`]: [channels],
    [`${name}.bias`]: [channels]
  })
  const denseWeights = (name: string, before: number, after: number) => ({
    [`${name}.weight`]: [before, after],
    [`${name}.bias`]: [after]
  })
  const attentionOf = (channels: number, heads: number, count: number): Case => ({
    name: `attention of ${channels} channels, ${heads} heads and ${count} tokens`,
    blocks: [
      { _tag: "Residual", blocks: [layerNorm("norm"), { _tag: "Attention", name: "attention", heads }] },
      layerNorm("after")
    ],
    input: [3, count, channels],
    weights: {
      ...normWeights("norm", channels),
      ...normWeights("after", channels),
      "attention.in_proj_weight": [channels, 3 * channels],
      "attention.in_proj_bias": [3 * channels],
      "attention.out_proj.weight": [channels, channels],
      "attention.out_proj.bias": [channels]
    }
  })
  const convnextOf = (channels: number, depth: boolean): Case => ({
    name: `a block of ConvNeXt of ${channels} channels${depth ? " with stochastic depth" : ""}`,
    blocks: [
      {
        _tag: "Residual",
        blocks: [
          layerNorm("norm"),
          dense("up", 4 * channels),
          gelued,
          dense("down", channels),
          { _tag: "LayerScale", name: "scale", initial: 1 },
          ...(depth ? [{ _tag: "StochasticDepth", name: "depth", rate: 0.5 } satisfies Block] : [])
        ]
      }
    ],
    input: [4, 5, 9, channels],
    weights: {
      ...normWeights("norm", channels),
      ...denseWeights("up", channels, 4 * channels),
      ...denseWeights("down", 4 * channels, channels),
      scale: [channels, 1, 1]
    }
  })
  const cases: ReadonlyArray<Case> = [
    ...[7, 16, 40, 61, 384].map((channels) => ({
      name: `layer norm of ${channels} channels`,
      blocks: [layerNorm("norm")],
      input: [5, 11, channels],
      weights: normWeights("norm", channels)
    })),
    ...[7, 40, 61].map((units) => ({
      name: `a dense layer of ${units} units and GELU`,
      blocks: [dense("up", units), gelued, dense("down", 19)],
      input: [6, 13, 23],
      weights: { ...denseWeights("up", 23, units), ...denseWeights("down", units, 19) }
    })),
    {
      name: "GELU behind no dense layer",
      blocks: [layerNorm("norm"), gelued, layerNorm("after")],
      input: [2, 9, 37],
      weights: { ...normWeights("norm", 37), ...normWeights("after", 37) }
    },
    {
      name: "a transformer's second half",
      blocks: [{ _tag: "Residual", blocks: [layerNorm("norm"), dense("up", 48), gelued, dense("down", 24)] }],
      input: [2, 17, 24],
      weights: { ...normWeights("norm", 24), ...denseWeights("up", 24, 48), ...denseWeights("down", 48, 24) }
    },
    attentionOf(96, 3, 50),
    attentionOf(40, 2, 21),
    attentionOf(24, 3, 9),
    convnextOf(40, false),
    convnextOf(23, true),
    convnextOf(10, true)
  ]

  /** What blocks give, and all gradients, by a way of computing them. */
  const passedBy = (fusedAt: FusedAt, run: Runner, { blocks, input, weights }: Case, training = true) => {
    const x = numbers(input, "input")
    const factors = Float32Array.of(2, 0, 2, 2)
    const pass: Pass = {
      ...passOf(run),
      fusedAt,
      training,
      weights: weightsOf(weights),
      mask: (_, length) => (training ? factors.slice(0, length) : new Float32Array(length).fill(1))
    }
    const kept = x.clone()
    const { backward, output } = applyAll(blocks, x, pass)
    const given = output.clone()
    const gradient = numbers(output.shape, "dy")
    const dx = training ? backward(gradient, true) : undefined
    assert.strictEqual(distance(x, kept), 0)
    assert.strictEqual(distance(gradient, numbers(output.shape, "dy")), 0)
    return new Map([["output", given], ...(dx === undefined ? [] : [["input", dx] as const]), ...pass.gradients])
  }

  it.effect.each(cases)("gives what TensorFlow.js's operations give, forward and backward: $name", (one) =>
    open((run) => {
      for (const training of [true, false]) {
        const ours = passedBy(fusedWith(run), run, one, training)
        const theirs = passedBy(composedWith(operators), run, one, training)
        assert.deepStrictEqual(new Set(ours.keys()), new Set(theirs.keys()))
        assert.strictEqual(ours.size, training ? Object.keys(one.weights).length + 2 : 1)
        for (const [name, tensor] of ours)
          assert.isBelow(distance(tensor, theirs.get(name)!), 1e-5, `${name}, ${training ? "training" : "inference"}`)
      }
    })
  )

  it.effect("GELU is exact to the last digits, and its gradient too, from -10 to 10; NaN stays NaN", () =>
    open((run) => {
      const x = Float32Array.from({ length: 16 * 1250 }, (_, i) => i / 1000 - 10)
      const tensor = tf.tensor2d(x, [1250, 16])
      const { backward, output } = gelu(run, tensor, run.nothing)
      const slopes = backward(tf.onesLike(tensor)).gradient.dataSync()
      // By the normal distribution's series (Marsaglia, 2004), in float64.
      const shareOf = (x: number): number => {
        let [sum, term] = [x, x]
        for (let i = 3; Math.abs(term) > 1e-18; i += 2) sum += term *= (x * x) / i
        return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)
      }
      output.dataSync().forEach((y, i) => {
        const at = x[i]!
        const share = shareOf(at)
        const slope = share + (at * Math.exp((-at * at) / 2)) / Math.sqrt(2 * Math.PI)
        assert.isBelow(Math.abs(y - at * share), 4e-7 * Math.max(1, Math.abs(at)), `GELU of ${at}`)
        assert.isBelow(Math.abs(slopes[i]! - slope), 4e-7, `slope at ${at}`)
      })
      const odd = tf.tensor2d(Float32Array.of(NaN, Infinity, -100, 100, ...new Float32Array(13)), [1, 17])
      geluInPlace(run, odd, tf.ones([17]))
      const [nan, most, least, large, ...rest] = odd.dataSync()
      assert.isNaN(nan)
      assert.deepStrictEqual([most, Math.abs(least!), large], [Infinity, 0, 101])
      assert.isBelow(Math.abs(rest.at(-1)! - 0.841345), 1e-6)
    })
  )

  it.effect("attention's softmax takes any scores; a row with NaN is NaN, and no other", () =>
    open((run) => {
      const scores = tf.mul(numbers([4, 3, 21], "scores"), 100)
      const [first, ...others] = tf.unstack(scores)
      const odd = tf.stack([tf.concat([tf.mul(tf.ones([3, 20]), 1e30), tf.mul(tf.ones([3, 1]), NaN)], 1), ...others])
      const expected = tf.softmax(scores)
      run.raw("WeftSoftmax", [], [odd], 0)
      run.raw("WeftSoftmax", [], [scores], 0)
      assert.isDefined(first)
      assert.isBelow(distance(scores, expected), 1e-5)
      const [nan, ...rest] = tf.unstack(odd)
      assert.isTrue(nan!.dataSync().every(Number.isNaN))
      assert.isBelow(distance(tf.stack(rest), tf.stack(tf.unstack(expected).slice(1))), 1e-5)
    })
  )
})
