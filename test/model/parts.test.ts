import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { trainedSince } from "../../src/model/freezing.ts"
import { NetworkConfig } from "../../src/model/NetworkConfig.ts"
import type { HeadOptions } from "../../src/model/Architecture.ts"
import { convnextAtto, convnextTiny } from "../../src/model/networks/convnext.ts"
import { efficientnetB0 } from "../../src/model/networks/efficientnet.ts"
import { mobilenetV2 } from "../../src/model/networks/mobilenetV2.ts"
import { mobilenetV3Large } from "../../src/model/networks/mobilenetV3.ts"
import { resnet18 } from "../../src/model/networks/resnet.ts"
import { simpleCnn } from "../../src/model/networks/simpleCnn.ts"
import { vgg16 } from "../../src/model/networks/vgg16.ts"
import { vitB16, vitS16 } from "../../src/model/networks/vit.ts"
import { sizeOf } from "../../src/model/Tensor.ts"
import { firstTrainable, freezingOf, layerGroups, partNames, splitAt } from "../../src/model/parts.ts"
import { checkNetwork, inputShape, outputOf, parameters } from "../../src/model/shapes.ts"
import { TrainConfig } from "../../src/model/TrainConfig.ts"

const size = { height: 70, width: 90, classes: 5 }
const mobilenet = mobilenetV2.build({ ...size, head: "batchnorm", padding: "symmetric" })
const vgg = vgg16.build({ ...size, head: "fc" })
const resnet = resnet18.build({ ...size, head: "fc" })
const vit = vitS16.build({ height: 48, width: 32, classes: 5 })
const convnext = convnextAtto.build({ ...size, head: "batchnorm" })
const efficientnet = efficientnetB0.build(size)
const small = simpleCnn.build(size)
const columns = mobilenetV2.build({
  ...size,
  classes: [
    { name: "kind", classes: 5, kind: "softmax", head: "batchnorm" },
    { name: "tags", classes: 3, kind: "sigmoid" }
  ]
})

const config = (trainable: (typeof NetworkConfig.Type)["trainable"], more = {}) =>
  Schema.decodeUnknownSync(NetworkConfig)({ trainable, weights: "any", ...more })
const training = Schema.decodeUnknownSync(TrainConfig)

const parts = ["features.0", "features.14", "features.18", "classifier.1"]

const sixteens = { height: 64, width: 48 }
const heads: ReadonlyArray<HeadOptions> = [
  { name: "kind", classes: 5, kind: "softmax", head: "batchnorm" },
  { name: "tags", classes: 3, kind: "sigmoid" }
]

describe("the networks of squeeze-and-excitation, layer norms and attention", () => {
  for (const [architecture, from, part] of [
    [mobilenetV3Large, "features.13", "features.13"],
    [efficientnetB0, "features.6", "features.6"],
    [convnextTiny, "features.5.4", "features.5"],
    [convnextAtto, "features.7", "features.7"],
    [vitS16, "encoder.layers.encoder_layer_8", "encoder.layers.encoder_layer_8"],
    [vitB16, "encoder.layers.encoder_layer_11.mlp", "encoder.layers.encoder_layer_11"]
  ] as const)
    it.effect(
      `${architecture.name} has the experiment's heads and several columns, and is trained from a block on`,
      () =>
        Effect.gen(function* () {
          for (const [classes, logits] of [
            [7, 7],
            [heads, 8]
          ] as const) {
            for (const head of ["fc", "batchnorm"] as const) {
              const network = architecture.build({ ...sixteens, classes, head })
              checkNetwork(network)
              assert.strictEqual(network.classes, logits)
            }
            const network = architecture.build({ ...sixteens, classes })
            assert.include(partNames(network), part)
            const at = yield* firstTrainable(network, config({ from }))
            assert.isAbove(at, 0)
            const { front, tail } = splitAt(network, at)
            const shape = outputOf(front, inputShape(network))
            assert.deepStrictEqual(outputOf(tail.blocks, inputShape(tail)), [logits])
            // Whatever the front gives, is what the rest takes, number by number.
            assert.strictEqual(sizeOf(shape), sizeOf(inputShape(tail)))
            const trained = parameters(tail).map(({ name }) => name)
            assert.isTrue(trained.some((name) => name.startsWith(`${from}.`)))
            const all = parameters(network).map(({ name }) => name)
            assert.deepStrictEqual(all.slice(all.length - trained.length), trained)
            const head = yield* firstTrainable(network, config("head"))
            const ofHead = parameters(splitAt(network, head).tail)
            assert.isTrue(ofHead.every(({ name }) => name.startsWith(`${architecture.classifier}.`)))
          }
        })
    )

  it("takes images of whole patches alone", () => {
    assert.throws(() => vitS16.build({ height: 64, width: 40, classes: 3 }), "multiples of 16 pixels")
  })
})

describe("the parts of a network", () => {
  it("are named as torchvision names them", () => {
    for (const part of parts) assert.include(partNames(mobilenet), part)
    assert.strictEqual(partNames(mobilenet).length, 20)
    assert.deepStrictEqual(partNames(columns), partNames(mobilenet))
    assert.deepStrictEqual(partNames(small), ["conv1", "conv2", "conv3", "conv4", "fc1", "fc2", "fc3"])
  })

  it.effect("are all trained, the head with its dropout, or those from a block on", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* firstTrainable(mobilenet, config("all")), 0)
      const head = yield* firstTrainable(mobilenet, config("head"))
      assert.deepInclude(mobilenet.blocks[head], { _tag: "Dropout", rate: 0.2 })
      assert.deepInclude(vgg.blocks[yield* firstTrainable(vgg, config("head"))], { name: "classifier.5" })
      assert.deepInclude(small.blocks[yield* firstTrainable(small, config("head"))], { name: "fc3" })
      assert.strictEqual(yield* firstTrainable(columns, config("head")), head)
      const from = yield* firstTrainable(mobilenet, config({ from: "features.14" }))
      assert.deepInclude(mobilenet.blocks[from], { name: "features.14.conv.0.0" })
      // A residual is one block, whatever of it is named; features.1 is no part of features.14.
      const residual = yield* firstTrainable(mobilenet, config({ from: "features.15.conv.2" }))
      assert.strictEqual(mobilenet.blocks[residual]!._tag, "Residual")
      assert.isBelow(yield* firstTrainable(mobilenet, config({ from: "features.1" })), from)
    })
  )

  it.effect("that a network does not have are an error with the names that it has", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(firstTrainable(mobilenet, config({ from: "features.41" })))
      assert.include(error.message, '`network.trainable`: mobilenet-v2 has no block "features.41"; did you mean')
      assert.include(error.message, "features.18, classifier.1")
      const train = training({ unfreeze: [{ epoch: 1, from: "nowhere" }] })
      assert.strictEqual((yield* Effect.flip(freezingOf(small, config("all"), train, 3))).key, "train.unfreeze")
    })
  )

  it.effect("thaw in steps, and never freeze again", () =>
    Effect.gen(function* () {
      const train = training({
        unfreeze: [
          { epoch: 1, from: "conv4" },
          { epoch: 2, from: "fc1" },
          { epoch: 4, from: "conv2" }
        ]
      })
      const freezing = yield* freezingOf(small, config("head", { batchNorm: "frozen" }), train, 10)
      const at = (name: string) => small.blocks.findIndex((block) => "name" in block && block.name === name)
      assert.deepStrictEqual(freezing.stages, [
        { step: 0, from: at("fc3") },
        { step: 10, from: at("conv4") },
        { step: 20, from: at("conv4") },
        { step: 40, from: at("conv2") }
      ])
      assert.isTrue(freezing.keepStatistics)
      const since = trainedSince(small, freezing)
      assert.deepStrictEqual(
        ["fc3.bias", "fc1.weight", "conv4.weight", "conv2.bias", "conv1.weight"].map((name) => since.get(name)),
        [0, 10, 10, 40, undefined]
      )
    })
  )

  it.effect("have the rate of the last entry at or before them", () =>
    Effect.gen(function* () {
      const rates = [
        { from: "conv2", factor: 0.1 },
        { from: "fc1", factor: 0.5 },
        { from: "fc3", factor: 1 }
      ]
      const freezing = yield* freezingOf(small, config("all"), training({ rates }), 1)
      const of = (name: string) => freezing.rates.get(`${name}.weight`) ?? 1
      assert.deepStrictEqual(["conv1", "conv2", "conv4", "fc1", "fc2", "fc3"].map(of), [1, 0.1, 0.1, 0.5, 0.5, 1])
    })
  )

  it.effect("are trained at rates that decay from the head to the input, a block with its normalisations as one", () =>
    Effect.gen(function* () {
      const groups = layerGroups(resnet)
      assert.strictEqual(groups.length, 10) // as timm has them: the stem, eight blocks, and the head
      assert.deepStrictEqual(groups[0], ["conv1.weight", "bn1.weight", "bn1.bias"])
      assert.include(groups[3] ?? [], "layer2.0.downsample.1.bias")
      assert.deepStrictEqual(groups[9], ["fc.weight", "fc.bias"])
      const freezing = yield* freezingOf(resnet, config("all"), training({ layerDecay: 0.75 }), 1)
      const of = (name: string) => freezing.rates.get(name) ?? 1
      assert.strictEqual(of("bn1.bias"), 0.75 ** 9)
      assert.strictEqual(of("layer2.0.downsample.0.weight"), 0.75 ** 6)
      assert.strictEqual(of("layer4.1.conv2.weight"), 0.75)
      assert.strictEqual(of("fc.weight"), 1)

      assert.strictEqual(layerGroups(mobilenet).length, 20)
      // The head of the experiment is one group, and so are the heads of several columns.
      for (const network of [mobilenet, columns])
        assert.isTrue(
          layerGroups(network)
            .at(-1)!
            .every((name) => name.startsWith("classifier.1."))
        )
      assert.include(layerGroups(mobilenet).at(-1) ?? [], "classifier.1.0.1.weight")
      assert.deepStrictEqual(
        layerGroups(small).map(([first]) => first),
        ["conv1", "conv2", "conv3", "conv4", "fc1", "fc2", "fc3"].map((name) => `${name}.weight`)
      )
      // BEiT's and timm's groups: the embedding, twelve layers, and the head. A last normalisation is of the last layer.
      const ofVit = layerGroups(vit)
      assert.strictEqual(ofVit.length, 14)
      assert.deepStrictEqual(ofVit[0], ["conv_proj.weight", "conv_proj.bias", "class_token", "encoder.pos_embedding"])
      assert.include(ofVit[12] ?? [], "encoder.layers.encoder_layer_11.mlp.3.bias")
      assert.include(ofVit[12] ?? [], "encoder.ln.weight")
      assert.deepStrictEqual(
        layerGroups(convnext).map(([first]) => first),
        [...Array.from({ length: 8 }, (_, i) => `features.${i}.0`), "classifier.2.0.0"].map((name, i) =>
          [1, 3, 5, 7].includes(i) ? `${name}.block.0.weight` : `${name}.weight`
        )
      )
      assert.strictEqual(layerGroups(efficientnet).length, 10)
      for (const network of [mobilenet, vgg, small, columns, resnet, vit, convnext, efficientnet])
        assert.deepStrictEqual(
          layerGroups(network).flat(),
          parameters(network).flatMap(({ name, trainable }) => (trainable ? [name] : []))
        )
    })
  )

  it.effect("have the product of the decay and their own rate, also where some are frozen", () =>
    Effect.gen(function* () {
      const train = training({ layerDecay: 0.5, rates: [{ from: "head", factor: 10 }] })
      const freezing = yield* freezingOf(vgg, config({ from: "classifier.0" }), train, 1)
      const of = (name: string) => freezing.rates.get(`${name}.weight`) ?? 1
      assert.deepStrictEqual(["classifier.0", "classifier.3", "classifier.6"].map(of), [0.25, 0.5, 10])
    })
  )

  it("make two networks whose tensors are the whole one's, wherever it is cut", () => {
    for (const network of [mobilenet, vgg, small, columns])
      for (const [at] of network.blocks.entries()) {
        const { front, tail } = splitAt(network, at)
        checkNetwork(tail)
        const names = (of: typeof network) => parameters(of).map(({ name, shape }) => `${name} ${shape.join()}`)
        assert.deepStrictEqual([...names({ ...network, blocks: front }), ...names(tail)], names(network))
        assert.deepStrictEqual(
          outputOf(front, inputShape(network)).length === 1,
          tail.blocks.length > network.blocks.length - at
        )
      }
  })

  it("are frozen with trained weights only", () => {
    assert.throws(() => Schema.decodeUnknownSync(NetworkConfig)({ trainable: "head" }), /weights/)
  })
})
