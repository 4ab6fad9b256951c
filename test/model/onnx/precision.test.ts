import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { halfPrecision } from "../../../src/model/onnx/halfPrecision.ts"
import { OnnxGraph } from "../../../src/model/onnx/OnnxGraph.ts"
import { newConstant, newNode, readRewrite, withGraph } from "../../../src/model/onnx/OnnxRewrite.ts"
import type { Range } from "../../../src/model/onnx/quantise.ts"
import { observing, quantised } from "../../../src/model/onnx/quantise.ts"
import { mobilenetV2 } from "../../../src/model/networks/mobilenetV2.ts"
import { resnet18 } from "../../../src/model/networks/resnet.ts"
import { Features } from "../../../src/model/Features.ts"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { filesOf, modelOf, networks, planOf } from "../export/plans.ts"

const count = 6
type Network = (typeof networks)[string]
const networkOf = (name: string): Network => {
  const network = networks[name]
  if (network === undefined) throw new Error(name)
  return network
}

const exported = (
  network: Network,
  input: "float" | "uint8" = "float",
  output: "logits" | "probabilities" = "logits"
) => {
  const content = filesOf(planOf(modelOf(network), { graph: { input, output } }))[0]?.content
  if (!(content instanceof Uint8Array)) throw new Error("no model")
  return new Uint8Array(content)
}

/** Images with a grey of their own, as the graph takes them. */
const imagesFor = ({ height, width }: Network, input: "float" | "uint8", key: string) => {
  const pixels = height * width * 3
  const bytes = new Uint8Array(count * pixels)
  for (let i = 0; i < count; i++) {
    const random = draw("precision", key, i)
    const grey = random.between(60, 190)
    for (let at = 0; at < pixels; at++) bytes[i * pixels + at] = Math.round(grey + random.between(-60, 60))
  }
  return input === "uint8"
    ? new Tensor("uint8", bytes, [count, height, width, 3])
    : new Tensor(
        "float32",
        Float32Array.from(bytes, (byte) => byte / 64 - 2),
        [count, 3, height, width]
      )
}

const run = async (bytes: Uint8Array, images: Tensor) => {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 })
  const found = await session.run({ images })
  return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]))
}

const rangesOf = async (bytes: Uint8Array, images: Tensor) => {
  const graph = observing(bytes)
  const found = await run(graph.bytes, images)
  return new Map(
    graph.values.map((value, i): readonly [string, Range] => [
      value,
      {
        low: found[graph.outputs[2 * i] ?? ""]?.[0] ?? Number.NaN,
        high: found[graph.outputs[2 * i + 1] ?? ""]?.[0] ?? Number.NaN
      }
    ])
  )
}

/** The largest difference of two outputs, as a share of the largest number in the first. */
const apart = (one: Readonly<Record<string, Float32Array>>, two: Readonly<Record<string, Float32Array>>) => {
  assert.deepStrictEqual(Object.keys(two), Object.keys(one))
  let difference = 0
  let largest = 0
  for (const [name, values] of Object.entries(one)) {
    assert.strictEqual(two[name]?.length, values.length)
    for (const [i, value] of values.entries()) {
      difference = Math.max(difference, Math.abs(value - (two[name]?.[i] ?? Number.NaN)))
      largest = Math.max(largest, Math.abs(value))
    }
  }
  return difference / largest
}

const operators = (bytes: Uint8Array) => readRewrite(bytes).nodes.map(({ operator }) => operator)

const sizes: Readonly<Record<string, Network>> = {
  "mobilenet-v2": mobilenetV2.build({ height: 38, width: 45, classes: 5, head: "fc", padding: "same" }),
  resnet18: resnet18.build({ height: 45, width: 38, classes: 5 })
}

const cases = [
  ["simple-cnn", "uint8", "probabilities"],
  ["simple-cnn, three columns", "float", "logits"],
  ["simple-cnn, three columns", "uint8", "probabilities"],
  ["mobilenet-v2, batchnorm, symmetric", "float", "logits"],
  ["mobilenet-v2, two columns with different heads", "uint8", "logits"],
  ["vgg16 with few filters, batchnorm", "uint8", "logits"],
  ["resnet18 with few filters, fc", "float", "logits"],
  ["resnet50 with few filters, batchnorm", "float", "logits"],
  ["odd blocks", "float", "logits"],
  ["odd blocks that end in a pooling", "uint8", "logits"]
] as const

describe("lower precisions of ONNX", () => {
  for (const [name, input, output] of cases)
    it(`${name}, ${input} in and ${output} out: onnxruntime runs both, and what comes out is near float32's`, async () => {
      const network = networkOf(name)
      const bytes = exported(network, input, output)
      const images = imagesFor(network, input, "measured")
      const expected = await run(bytes, images)
      const half = halfPrecision(bytes)
      assert.isBelow(apart(expected, await run(half, images)), 0.01)
      const eight = quantised(bytes, await rangesOf(bytes, images))
      assert.isBelow(apart(expected, await run(eight, images)), 0.15)
      // Every weighted sum is in the lower precision.
      const sums = operators(bytes).filter((one) => one === "Conv" || one === "Gemm").length
      const { constants } = readRewrite(eight)
      const ofType = (type: number) =>
        [...constants.values()].filter((one) => one.type === type && one.shape.length > 1)
      assert.lengthOf(ofType(3), sums)
      assert.isEmpty(ofType(1).filter(({ shape }) => shape.length !== 3))
      // Ends are float32: the declared types are those of the float32 file.
      for (const lower of [half, eight]) {
        assert.deepStrictEqual(readRewrite(lower).inputs, readRewrite(bytes).inputs)
        assert.deepStrictEqual(readRewrite(lower).outputs, readRewrite(bytes).outputs)
        assert.deepStrictEqual(readRewrite(lower).metadata, readRewrite(bytes).metadata)
      }
    }, 60_000)

  for (const [name, network] of Object.entries(sizes))
    it(`${name}: half and a quarter of the bytes, within 10 %, and the same bytes again`, async () => {
      const bytes = exported(network)
      const images = imagesFor(network, "float", "measured")
      const ranges = await rangesOf(bytes, images)
      const [half, eight] = [halfPrecision(bytes), quantised(bytes, ranges)]
      assert.closeTo(half.length / bytes.length, 0.5, 0.05)
      assert.closeTo(eight.length / bytes.length, 0.25, 0.025)
      assert.strictEqual(Buffer.compare(halfPrecision(bytes), half), 0)
      assert.strictEqual(Buffer.compare(quantised(bytes, await rangesOf(bytes, images)), eight), 0)
    }, 60_000)

  it("fuses to onnxruntime's own kernels: no convolution of float32 is left in int8", async () => {
    // What it does not fuse, it would run between two conversions.
    const folder = await mkdtemp(join(tmpdir(), "weft-fused-"))
    const network = networkOf("mobilenet-v2, fc, same")
    const bytes = exported(network)
    const eight = quantised(bytes, await rangesOf(bytes, imagesFor(network, "float", "measured")))
    const file = join(folder, "fused.onnx")
    await InferenceSession.create(eight, { logSeverityLevel: 3, optimizedModelFilePath: file })
    const fused = operators(new Uint8Array(await readFile(file)))
    await rm(folder, { recursive: true })
    const counted = (operator: string) => fused.filter((one) => one === operator).length
    assert.strictEqual(counted("Conv"), 0)
    assert.strictEqual(counted("com.microsoft.QLinearConv"), 52)
    assert.strictEqual(counted("com.microsoft.QLinearAdd"), 10)
    assert.strictEqual(counted("Gemm"), 0)
  })

  it("leaves operators that it does not know, and constants too large for half precision, in float32", async () => {
    const graph = new OnnxGraph()
    const images = graph.input("images", ["N", 3, 2, 4])
    const weight = graph.constant("weight", [2, 3, 1, 1], Float32Array.of(1, -2, 3, 0.5, 0.25, -1))
    const large = graph.constant("large", [3], Float32Array.of(1e5, 2, 3))
    const scaled = graph.node("Conv", "first", [images, weight])
    const odd = graph.node("Softplus", "odd", [scaled])
    const again = graph.node("ReduceMean", "mean", [odd], { axes: [2, 3], keepdims: 0 })
    const wide = graph.node("Concat", "wide", [again, again], { axis: 1 })
    const picked = graph.node("Slice", "picked", [
      wide,
      graph.constant("from", [1], BigInt64Array.of(0n)),
      graph.constant("to", [1], BigInt64Array.of(3n)),
      graph.constant("axis", [1], BigInt64Array.of(1n))
    ])
    graph.output(graph.node("Mul", "last", [picked, large]), "logits", ["N", 3])
    const bytes = graph.encode("odd", { own: "kept" })
    const given = new Tensor(
      "float32",
      Float32Array.from({ length: 48 }, (_, i) => Math.sin(i)),
      [2, 3, 2, 4]
    )
    const expected = await run(bytes, given)
    for (const lower of [halfPrecision(bytes), quantised(bytes, await rangesOf(bytes, given))]) {
      assert.isBelow(apart(expected, await run(lower, given)), 0.02)
      const file = readRewrite(lower)
      assert.strictEqual(file.constants.get("large")?.type, 1)
      assert.isFalse(file.constants.has("weight"))
      assert.deepInclude(
        file.nodes.map(({ inputs, operator }) => [operator, inputs]),
        ["Softplus", [scaled]]
      )
    }
  })

  it("a channel whose weights are all but zero keeps its bias in int8", async () => {
    const graph = new OnnxGraph()
    const images = graph.input("images", ["N", 3, 2, 2])
    const weight = graph.constant("w", [2, 3, 1, 1], Float32Array.of(1e-30, 0, 0, 0, 0, 0))
    const bias = graph.constant("b", [2], Float32Array.of(5, -7))
    graph.output(graph.node("Conv", "only", [images, weight, bias]), "logits", ["N", 2, 2, 2])
    const bytes = graph.encode("flat")
    const given = new Tensor(
      "float32",
      Float32Array.from({ length: 12 }, (_, i) => i),
      [1, 3, 2, 2]
    )
    const { logits } = await run(quantised(bytes, await rangesOf(bytes, given)), given)
    for (const [i, value] of (logits ?? []).entries()) assert.closeTo(value, i < 4 ? 5 : -7, 1e-3)
  })

  it("refuses values that are not finite, and operators without a scale for each channel", async () => {
    const bytes = exported(networkOf("simple-cnn"))
    const ranges = await rangesOf(bytes, imagesFor(networkOf("simple-cnn"), "float", "measured"))
    const broken = new Map(ranges).set("images", { low: 0, high: Infinity })
    assert.throws(() => quantised(bytes, broken), /"images" is not finite/)
    const old = readRewrite(bytes)
    const older = withGraph(bytes, {
      nodes: [newNode("Relu", ["images"], "x"), ...old.nodes],
      constants: new Map([...old.constants, ["one", newConstant([], "float32", Float32Array.of(1))]])
    })
    // The version of the operators is the last varint of its message: 13.
    const at = Buffer.from(older).indexOf(Buffer.from([0x42, 2, 0x10, 13]))
    assert.isAbove(at, 0)
    older[at + 3] = 12
    assert.throws(() => observing(older), /of version 12.*needs 13.*fp16/)
  })

  // Before the head, simple-cnn's values are in half precision; mobilenet-v2's are means, in float32.
  for (const [name, length] of [
    ["mobilenet-v2, fc, same", 1280],
    ["simple-cnn", 256]
  ] as const)
    it.effect(`${name}: both are files that a frozen backbone can be, and the features are near float32's`, () =>
      Effect.gen(function* () {
        const network = networkOf(name)
        const { height, width } = network
        const bytes = exported(network)
        const ranges = yield* Effect.promise(() => rangesOf(bytes, imagesFor(network, "float", "measured")))
        const random = draw("precision", "features")
        const images = Float32Array.from({ length: 2 * height * width * 3 }, () => random.between(-1, 1))
        const featuresOf = Effect.fnUntraced(function* (file: Uint8Array<ArrayBuffer>) {
          const { bytes, facts } = yield* Features.use(({ examine }) => examine(file, { height, width }))
          const { run } = yield* Features.use(({ open }) =>
            open({
              blocks: [{ _tag: "Onnx", sha256: facts.sha256, features: facts.features, batch: null }],
              input: [height, width, 3],
              weights: new Map(),
              backbone: bytes
            })
          )
          return { features: yield* run(images, 2) }
        }, Effect.scoped)
        const expected = yield* featuresOf(bytes)
        assert.strictEqual(expected.features.length, 2 * length)
        assert.isBelow(apart(expected, yield* featuresOf(halfPrecision(bytes))), 0.01)
        assert.isBelow(apart(expected, yield* featuresOf(quantised(bytes, ranges))), 0.25)
      }).pipe(Effect.provide(OnnxFeatures.layer))
    )
})
