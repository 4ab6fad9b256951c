import type { Vitest } from "@effect/vitest"
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Layer, Scope } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { applyAll } from "../../src/layers/engines/reference/apply.ts"
import * as DiskPretrained from "../../src/layers/hub/DiskPretrained.ts"
import type { Block } from "../../src/model/Block.ts"
import { LeakPolicy } from "../../src/model/Engine.ts"
import { Features, FeaturesError } from "../../src/model/Features.ts"
import { mobilenetV2 } from "../../src/model/networks/mobilenetV2.ts"
import { vgg16 } from "../../src/model/networks/vgg16.ts"
import type { Frozen } from "../../src/model/onnx/onnxModel.ts"
import { frozenParts } from "../../src/model/onnx/onnxModel.ts"
import { startWeights } from "../../src/model/startWeights.ts"
import { sizeOf } from "../../src/model/Tensor.ts"
import type { HeadLayers } from "../../src/pipeline/HeadLayers.ts"
import { backboneCases } from "./engineContract/backbones.ts"
import {
  assertNear,
  firstOfRows,
  referenceTensor,
  referenceWeights,
  tiledBatch,
  uniform
} from "./engineContract/reference.ts"
import { keepsWhatIsNoNumber } from "./engineContract/windows.ts"

const shared = new URL("../../../shared/", import.meta.url)

const norm = (name: string): Block => ({ _tag: "BatchNorm", name, eps: 1e-3, momentum: 0.1 })
const relu: Block = { _tag: "Activation", kind: "relu" }
const relu6: Block = { _tag: "Activation", kind: "relu6" }
const dropout: Block = { _tag: "Dropout", name: "dropout", rate: 0.5 }
const shared2d = { stride: 2, bias: false, init: "torch" } as const

/** Frozen blocks with weights by the formula of the reference figures. */
export const frozenOf = (blocks: ReadonlyArray<Block>, input: Frozen["input"]): Frozen => ({
  blocks,
  input,
  weights: new Map(
    frozenParts({ blocks, input }).parameters.map(({ name, shape }) => [name, referenceTensor(name, shape, "frozen-")])
  )
})

/** Ends inside the images; `same` on odd and even sides, kernels that are not square, a residual. */
export const inside: ReadonlyArray<Block> = [
  { _tag: "Conv2d", name: "wide", filters: 10, kernel: [3, 5], padding: "same", ...shared2d },
  norm("wideNorm"),
  relu6,
  { _tag: "DepthwiseConv2d", name: "each", kernel: [3, 2], padding: "same", ...shared2d, stride: 1 },
  dropout,
  norm("eachNorm"),
  {
    _tag: "Residual",
    blocks: [
      { _tag: "Conv2d", name: "up", filters: 14, kernel: [1, 1], padding: 0, ...shared2d, stride: 1, bias: true },
      relu,
      { _tag: "DepthwiseConv2d", name: "inner", kernel: [3, 3], padding: 1, ...shared2d, stride: 1, bias: true },
      norm("innerNorm"),
      { _tag: "Conv2d", name: "down", filters: 10, kernel: [1, 1], padding: 0, ...shared2d, stride: 1 },
      norm("downNorm")
    ]
  },
  { _tag: "MaxPool", size: 3, stride: 2, padding: "same" }
]

/** Ends flat; batch norms that follow nothing linear, or two in a row. */
export const flat: ReadonlyArray<Block> = [
  norm("first"),
  { _tag: "Conv2d", name: "conv", filters: 7, kernel: [3, 4], padding: 1, ...shared2d, bias: true },
  norm("convNorm"),
  relu,
  norm("between"),
  { _tag: "MaxPool", size: 3, stride: 2, padding: 1 },
  { _tag: "AdaptiveAveragePool", size: [3, 2] },
  { _tag: "AdaptiveAveragePool", size: [3, 2] },
  { _tag: "Flatten" },
  norm("flatNorm"),
  { _tag: "Dense", name: "fc1", units: 9, bias: true, init: "torch" },
  dropout,
  norm("fcNorm"),
  norm("fcNorm2"),
  relu,
  { _tag: "Dense", name: "fc2", units: 5, bias: false, init: "torch" }
]

const conv = (name: string, filters: number, kernel: 1 | 3): Block => ({
  _tag: "Conv2d",
  name,
  filters,
  kernel: [kernel, kernel],
  padding: kernel === 3 ? 1 : 0,
  ...shared2d,
  stride: 1,
  bias: true
})
const each = (name: string, stride: number): Block => ({
  _tag: "DepthwiseConv2d",
  name,
  kernel: [3, 3],
  padding: 1,
  ...shared2d,
  stride
})

/** More numbers than a processor's cache holds, so that an engine that works in strips has several. */
const large: ReadonlyArray<Block> = [
  conv("begin", 70, 3),
  relu6,
  { _tag: "Residual", blocks: [conv("up1", 200, 1), relu6, each("each1", 1), relu, conv("down1", 70, 1)] },
  conv("up2", 200, 1),
  relu,
  each("each2", 2),
  relu6,
  conv("down2", 33, 1),
  conv("end", 40, 3)
]

/** An activation that must not touch what a residual adds, and one that must. */
const activated: ReadonlyArray<Block> = [
  conv("first", 6, 1),
  { _tag: "Residual", blocks: [relu, conv("inner", 6, 3), relu] },
  relu6,
  { _tag: "Residual", blocks: [each("alone", 1)] },
  { _tag: "Residual", blocks: [] }
]

const linear = (name: string, units: number, bias: boolean): Block => ({
  _tag: "Dense",
  name,
  units,
  bias,
  init: "torch"
})

/** Heads of one linear layer each; with a bias and without, and with a batch norm that is folded in. */
const headed: ReadonlyArray<Block> = [
  ...flat,
  {
    _tag: "Heads",
    heads: [
      { blocks: [linear("one", 4, true)] },
      { blocks: [linear("two", 1, false)] },
      { blocks: [dropout, linear("three", 3, false), norm("threeNorm")] }
    ]
  }
]

const cases: Readonly<Record<string, { readonly frozen: Frozen; readonly size: number }>> = {
  "blocks that end inside the images": { frozen: frozenOf(inside, [19, 14, 3]), size: 3 },
  "blocks that end flat": { frozen: frozenOf(flat, [18, 13, 3]), size: 4 },
  "a global average": { frozen: frozenOf([...inside, { _tag: "GlobalAveragePool" }], [15, 22, 3]), size: 2 },
  "windows larger than the image": {
    frozen: frozenOf([...inside, { _tag: "AdaptiveAveragePool", size: [7, 6] }], [15, 22, 3]),
    size: 2
  },
  "images larger than a processor's cache": { frozen: frozenOf(large, [61, 42, 3]), size: 1 },
  "residuals and activations": { frozen: frozenOf(activated, [7, 9, 3]), size: 2 },
  "images of many channels": { frozen: frozenOf(activated, [5, 6, 37]), size: 2 },
  "a head for each of three label columns": { frozen: frozenOf(headed, [18, 13, 3]), size: 3 },
  "no blocks": { frozen: frozenOf([], [4, 5, 3]), size: 2 }
}

/** The features by the plain code that is the engines' yardstick, in NHWC. */
const expectedOf = ({ blocks, input, weights }: Frozen, images: Float32Array, size: number) =>
  applyAll(
    blocks,
    { shape: [size, ...input], data: images },
    {
      training: false,
      batchStatistics: false,
      weights,
      gradients: new Map(),
      mask: (_, length) => new Float32Array(length).fill(1)
    }
  ).output

const imagesOf = ({ input }: Frozen, size: number) =>
  Float32Array.from(uniform("frozen-", "input", size * sizeOf(input)))

const agrees = Effect.fnUntraced(function* (frozen: Frozen, size: number, what: string) {
  const images = imagesOf(frozen, size)
  const expected = expectedOf(frozen, images, size)
  const { run, shape } = yield* (yield* Features).open(frozen)
  assert.deepStrictEqual([...shape], expected.shape.slice(1))
  assertNear(yield* run(images, size), expected.data, what, 5e-5)
})

/** The blocks before the last linear layer. */
const withoutLast = (blocks: ReadonlyArray<Block>) => blocks.slice(0, -1)

const failsWith = <A, R>(effect: Effect.Effect<A, FeaturesError, R>, reason: string, ...words: ReadonlyArray<string>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(error.reason, reason)
    for (const word of words) assert.include(error.message, word)
  })

const agreesOnNetworks = (it: Vitest.MethodsNonLive<Features>) => {
  it.effect("gives MobileNetV2's features", () => {
    const { blocks } = mobilenetV2.build({ height: 96, width: 64, classes: 70, head: "fc", padding: "symmetric" })
    return agrees(frozenOf(withoutLast(blocks), [96, 64, 3]), 2, "features")
  })

  const file = new URL("weights/mobilenetv2_100.safetensors", shared)
  it.effect.skipIf(!existsSync(file))("gives the features of MobileNetV2 with ImageNet's weights", () =>
    Effect.gen(function* () {
      const network = mobilenetV2.build({ height: 96, width: 80, classes: 70, head: "fc", padding: "same" })
      const weights = yield* startWeights(network, 1, file.pathname)
      yield* agrees({ blocks: withoutLast(network.blocks), input: [96, 80, 3], weights }, 2, "features")
    }).pipe(Effect.provide(DiskPretrained.layer))
  )
}

/**
 * Declares that a Layer gives the logits of whole networks that PyTorch gives; those that it `lacks` blocks of, it refuses as
 * unavailable, so that another Layer takes its place.
 */
export const givesPyTorchsLogits = (
  it: Vitest.MethodsNonLive<Features>,
  lacks: (network: string) => boolean = () => false
) => {
  const figures = new URL("fixtures/forward.json", shared)
  interface Forward {
    readonly network: "simple_cnn" | "mobilenet_v2" | "vgg16"
    readonly head: HeadLayers | null
    readonly size: number
    readonly batch: number
    readonly classes?: number
    readonly salt: string
    readonly logits: ReadonlyArray<number>
    readonly logitsNorm: number
  }
  const records = existsSync(figures)
    ? (JSON.parse(readFileSync(figures, "utf8")) as ReadonlyArray<Forward>) // as the fixtures' README says
    : []
  for (const { batch, classes = 70, head, logits, logitsNorm, network, salt, size } of records)
    if (network !== "simple_cnn")
      it.effect(`gives the logits of ../shared/fixtures/forward.json: ${network}, head ${head}, at ${size}`, () =>
        Effect.gen(function* () {
          const options = { height: size, width: size, classes, head: head ?? "fc", padding: "symmetric" } as const
          const { blocks } = { mobilenet_v2: mobilenetV2, vgg16 }[network].build(options)
          const parameters = frozenParts({ blocks, input: [size, size, 3] }).parameters
          const weights = new Map(parameters.map(({ name, shape }) => [name, referenceTensor(name, shape, salt)]))
          const { run } = yield* (yield* Features).open({ blocks, input: [size, size, 3], weights })
          const images = Float32Array.from(uniform(salt, "input", batch * size * size * 3))
          const actual = yield* run(images, batch)
          assertNear(firstOfRows(actual, classes), logits, "logits")
          assertNear([Math.hypot(...actual)], [logitsNorm], "their norm")
        })
      )
  for (const { network, record, title } of backboneCases)
    if (record.mode === "inference")
      it.effect(`gives the logits of ../shared/fixtures/backbones.json: ${title}`, () =>
        Effect.gen(function* () {
          const { batch, logits, logitsNorm, salt, size } = record
          const { blocks, classes } = network
          const opening = (yield* Features).open({
            blocks,
            input: [size, size, 3],
            weights: referenceWeights(network, salt)
          })
          if (lacks(network.name)) {
            const error = yield* Effect.flip(opening)
            assert.strictEqual(error.reason, "unavailable")
            return
          }
          const { run } = yield* opening
          const actual = yield* run(tiledBatch(network, salt, batch).images, batch)
          assertNear(firstOfRows(actual, classes), logits, "logits")
          assertNear([Math.hypot(...actual)], [logitsNorm], "their norm")
        })
      )
}

/** Declares the tests that every Layer of `Features` must pass. */
export const featuresContract = <E>(
  name: string,
  features: Layer.Layer<Features, E>,
  more: (it: Vitest.MethodsNonLive<Features>) => void = () => {}
) =>
  layer(Layer.provideMerge(features, Layer.succeed(LeakPolicy, "fail")))(`features by ${name}`, (it) => {
    for (const [title, { frozen, size }] of Object.entries(cases))
      it.effect(`gives what the blocks give: ${title}`, () => agrees(frozen, size, title))
    keepsWhatIsNoNumber(it)
    agreesOnNetworks(it)

    for (const channels of [3, 37])
      it.effect(`takes an infinity no further than to the activation that clamps it: ${channels} channels`, () =>
        Effect.gen(function* () {
          const frozen = frozenOf(inside, [19, 14, channels])
          const images = imagesOf(frozen, 2)
          images[40] = Infinity
          images[images.length - 40] = -Infinity
          const expected = expectedOf(frozen, images, 2).data
          assert.isTrue(expected.every(Number.isFinite))
          const { run } = yield* (yield* Features).open(frozen)
          assertNear(yield* run(images, 2), expected, "features", 5e-5)
        })
      )

    it.effect("gives an image the same features in any batch", () =>
      Effect.gen(function* () {
        const frozen = frozenOf(flat, [18, 13, 3])
        const { run } = yield* (yield* Features).open(frozen)
        const images = imagesOf(frozen, 7)
        const together = yield* run(images, 7)
        for (const [from, to] of [
          [0, 1],
          [1, 4],
          [4, 7]
        ] as const)
          assertNear(
            yield* run(images.slice(from * 18 * 13 * 3, to * 18 * 13 * 3), to - from),
            together.subarray(from * 5, to * 5),
            `images ${from} to ${to}`,
            1e-5
          )
      })
    )

    it.effect("keeps two open ones apart, and names what computed them", () =>
      Effect.gen(function* () {
        const features = yield* Features
        const one = yield* features.open(frozenOf(flat, [18, 13, 3]))
        const images = imagesOf(frozenOf(flat, [18, 13, 3]), 1)
        const before = yield* one.run(images, 1)
        const other = yield* features.open(frozenOf(inside, [18, 13, 3]))
        yield* other.run(images, 1)
        assert.deepStrictEqual(yield* one.run(images, 1), before)
        assert.strictEqual(one.key, other.key)
        assert.match(one.key, /\d+\.\d+.*float32/)
      })
    )

    it.effect("refuses what does not fit, and says what", () =>
      Effect.gen(function* () {
        const features = yield* Features
        const frozen = frozenOf(flat, [18, 13, 3])
        yield* failsWith(features.open({ ...frozen, input: [1, 1, 3] }), "misfit", "conv", "too small")
        const { run } = yield* features.open(frozen)
        const error = yield* Effect.flip(run(new Float32Array(18 * 13 * 3 - 1), 1))
        assert.instanceOf(error, FeaturesError)
        const weights = new Map(frozen.weights)
        weights.delete("convNorm.running_var")
        const lacking = yield* Effect.flip(features.open({ ...frozen, weights }))
        assert.include(lacking.message, "convNorm.running_var")
      })
    )

    it.effect("fails after its Scope has closed", () =>
      Effect.gen(function* () {
        const frozen = frozenOf(flat, [18, 13, 3])
        const scope = yield* Scope.make()
        const { run } = yield* Scope.provide((yield* Features).open(frozen), scope)
        yield* Scope.close(scope, Exit.void)
        yield* failsWith(run(imagesOf(frozen, 1), 1), "failed", "closed")
      })
    )
    more(it)
  })
