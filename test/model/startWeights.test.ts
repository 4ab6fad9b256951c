import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as Runtime from "effect/Runtime"
import { initialise } from "../../src/model/initialise.ts"
import { modelMetadata } from "../../src/model/Model.ts"
import type { Network } from "../../src/model/Network.ts"
import { mobilenetV2 } from "../../src/model/networks/mobilenetV2.ts"
import { simpleCnn } from "../../src/model/networks/simpleCnn.ts"
import { convnextAtto, convnextTiny } from "../../src/model/networks/convnext.ts"
import { efficientnetB0 } from "../../src/model/networks/efficientnet.ts"
import { mobilenetV3Large } from "../../src/model/networks/mobilenetV3.ts"
import { vitB16, vitS16 } from "../../src/model/networks/vit.ts"
import { vgg16 } from "../../src/model/networks/vgg16.ts"
import { Pretrained, WeightsError } from "../../src/model/Pretrained.ts"
import { matchNames, pretrainedWeights, startWeights } from "../../src/model/startWeights.ts"
import { parameters } from "../../src/model/shapes.ts"
import type { Weights } from "../../src/model/Tensor.ts"
import { sizeOf } from "../../src/model/Tensor.ts"
import { ImageConfig } from "../../src/pipeline/ImageConfig.ts"
import * as timm from "./timm.ts"

const size = { height: 96, width: 64, head: "fc" } as const
const square = { height: 224, width: 224, head: "fc" } as const
const mobilenet = (classes: number) => mobilenetV2.build({ ...size, classes, padding: "symmetric" })
const vgg = (classes: number) => vgg16.build({ ...size, classes })
const from = (source: string, head = true) => ({ head, source })

it.effect("all tensors of each network are found under timm's names and under torchvision's", () =>
  Effect.gen(function* () {
    const cases = [
      { network: mobilenet(7), ofTimm: timm.mobilenetv2_100(7) },
      { network: vgg(7), ofTimm: timm.vgg16(7) },
      { network: mobilenetV3Large.build({ ...size, classes: 7 }), ofTimm: timm.mobilenetv3_large_100(7) },
      { network: efficientnetB0.build({ ...size, classes: 7 }), ofTimm: timm.efficientnet_b0(7) },
      { network: convnextTiny.build({ ...size, classes: 7 }), ofTimm: timm.convnext_tiny(7) },
      { network: convnextAtto.build({ ...size, classes: 7 }), ofTimm: timm.convnext_atto(7) },
      { network: vitS16.build({ ...square, classes: 7 }), ofTimm: timm.vit_small_patch16_224(7) },
      { network: vitB16.build({ ...square, classes: 7 }), ofTimm: timm.vit_base_patch16_224(7) }
    ]
    for (const { network, ofTimm } of cases) {
      const ours = parameters(network)
      const theirs = new Map(ours.map(({ name, shape }) => [name, shape]))
      const fromTimm = yield* matchNames(network, new Map(ofTimm), from("timm"))
      const fromTorchvision = yield* matchNames(network, theirs, from("torchvision"))
      for (const { name } of ours) {
        assert.isTrue(fromTimm.has(name), name)
        assert.strictEqual(fromTorchvision.get(name), name)
      }
      assert.strictEqual(fromTimm.size, ours.length)
      assert.strictEqual(new Set(fromTimm.values()).size, ours.length)
    }
  })
)

it.effect("without the head, weights of other classes do; with it they do not", () =>
  Effect.gen(function* () {
    const shapes = new Map(timm.mobilenetv2_100(1000))
    for (const head of ["fc", "batchnorm"] as const) {
      const network = mobilenetV2.build({ ...size, head, classes: 7, padding: "same" })
      const matched = yield* matchNames(network, shapes, from("x", false))
      assert.strictEqual(matched.size, 260)
      assert.isFalse([...matched.keys()].some((name) => name.startsWith("classifier")))
    }
    const error = yield* Effect.flip(matchNames(mobilenet(7), shapes, from("x")))
    assert.strictEqual(error.reason, "mismatch")
    assert.include(error.message, "classifier.weight is 1000 x 1280 and should be 7 x 1280")
    assert.include(error.message, "classifier.bias is 1000 and should be 7")
  })
)

it.effect("what is missing, too many and of another shape is one error that lists all", () =>
  Effect.gen(function* () {
    const shapes = new Map<string, ReadonlyArray<number>>(timm.vgg16(5))
    shapes.delete("features.7.bias")
    shapes.set("features.2.weight", [64, 32, 3, 3])
    shapes.set("extra.weight", [2, 3])
    const error = yield* Effect.flip(matchNames(vgg(5), shapes, from("some.safetensors")))
    assert.strictEqual(error.reason, "mismatch")
    assert.strictEqual(
      error.message,
      'The weights `network.weights = "some.safetensors"` cannot be used: they are not those of vgg16. ' +
        "missing in the file: features.7.bias (128); in the file and not of vgg16: extra.weight (2 x 3); " +
        "of another shape: features.2.weight is 64 x 32 x 3 x 3 and should be 64 x 64 x 3 x 3. " +
        "Name a file with the weights of vgg16 under torchvision's or timm's names."
    )
  })
)

it.effect("a dense layer is taken from a convolution over the whole image, and from no other one of its size", () =>
  Effect.gen(function* () {
    const shapes = new Map<string, ReadonlyArray<number>>(timm.vgg16(5))
    shapes.set("pre_logits.fc1.weight", [512, 4096, 7, 7])
    const error = yield* Effect.flip(matchNames(vgg(5), shapes, from("x")))
    assert.include(error.message, "pre_logits.fc1.weight is 512 x 4096 x 7 x 7 and should be 4096 x 25088")
  })
)

it.effect("a tensor that is there under two names is refused", () =>
  Effect.gen(function* () {
    const shapes = new Map([...timm.mobilenetv2_100(7), ["features.0.0.weight", [32, 3, 3, 3]] as const])
    const error = yield* Effect.flip(matchNames(mobilenet(7), shapes, from("x")))
    assert.include(error.message, "in the file and not of mobilenet-v2: features.0.0.weight (32 x 3 x 3 x 3)")
  })
)

it.effect("another network's file names eight of each and counts the rest", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(matchNames(mobilenet(7), new Map(timm.vgg16(7)), from("x")))
    assert.match(error.message, /missing in the file: (\S+ \([\dx ]+\), ){7}\S+ \([\dx ]+\) and 254 more; in the file/)
    assert.match(error.message, /not of mobilenet-v2: .* and 24 more\./)
  })
)

/** The numbers of a tensor say which one it is. */
const numbered = (names: ReadonlyArray<readonly [string, ReadonlyArray<number>]>): Weights =>
  new Map(names.map(([name, shape], i) => [name, { shape, data: new Float32Array(sizeOf(shape)).fill(i + 1) }]))

it.effect("a run begins with the file's tensors, in the network's shapes, and with a head drawn from the seed", () => {
  const file = numbered(timm.mobilenetv2_100(1000))
  return Effect.gen(function* () {
    const network = mobilenet(7)
    const weights = yield* startWeights(network, 3, "timm")
    const drawn = initialise(network, 3)
    assert.deepStrictEqual([...weights.keys()], [...drawn.keys()])
    for (const { name, shape } of parameters(network)) assert.deepStrictEqual(weights.get(name)?.shape, shape, name)
    assert.deepStrictEqual(weights.get("classifier.1.weight"), drawn.get("classifier.1.weight"))
    assert.strictEqual(weights.get("features.0.0.weight")?.data[5], file.get("conv_stem.weight")?.data[0])
    assert.strictEqual(
      weights.get("features.17.conv.3.running_var")?.data[5],
      file.get("blocks.6.0.bn3.running_var")?.data[0]
    )
    const whole = yield* pretrainedWeights(mobilenet(1000), from("timm"))
    assert.strictEqual(whole.get("classifier.1.bias")?.data[999], file.get("classifier.bias")?.data[0])
  }).pipe(Effect.provide(Pretrained.layerMemory({ timm: { metadata: {}, tensors: file } })))
})

it.effect(
  "timm's MobileNetV3 keeps its numbers where our batch norms add more to the variance, and TensorFlow's has none to keep",
  () => {
    const file = new Map(
      Array.from(numbered(timm.mobilenetv3_large_100(7)), ([name, { data, shape }]) => [
        name,
        { shape, data: data.map((x) => x / 1000) }
      ])
    )
    return Effect.gen(function* () {
      const last = "features.15.block.3.1.running_var"
      const theirs = file.get("blocks.5.2.bn3.running_var")!.data[0]!
      const symmetric = mobilenetV3Large.build({ ...size, classes: 7 })
      const same = mobilenetV3Large.build({ ...size, classes: 7, padding: "same" })
      const eps = (network: Network) =>
        network.blocks.flatMap((block) => (block._tag === "BatchNorm" ? [block.eps] : []))[0] ?? NaN
      const begun = yield* pretrainedWeights(symmetric, from("timm"))
      assert.approximately(begun.get(last)!.data[0]! + eps(symmetric), theirs + 1e-5, 1e-7)
      assert.notStrictEqual(begun.get(last)!.data[0], theirs)
      const weight = "features.15.block.3.1.weight"
      assert.strictEqual(begun.get(weight)!.data[0], file.get("blocks.5.2.bn3.weight")!.data[0])
      assert.strictEqual((yield* pretrainedWeights(same, from("timm"))).get(last)!.data[0], theirs)
      assert.strictEqual(eps(same), 1e-3)
    }).pipe(Effect.provide(Pretrained.layerMemory({ timm: { metadata: {}, tensors: file } })))
  }
)

it.effect("a run without trained weights draws all of them", () =>
  Effect.gen(function* () {
    assert.deepStrictEqual(yield* startWeights(mobilenet(7), 3, undefined), initialise(mobilenet(7), 3))
  }).pipe(Effect.provide(Pretrained.layerMemory({})))
)

it.effect.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  "weights with %s are refused, and the tensor is named; those of the head that is left out do not count",
  (value) =>
    Effect.gen(function* () {
      const network = mobilenet(7)
      const tensors = new Map(Array.from(initialise(network, 1), ([name, { data, shape }]) => [name, { shape, data }]))
      const spoil = (name: string, at: number) => {
        const { data, shape } = tensors.get(name)!
        tensors.set(name, { shape, data: data.with(at, value) })
      }
      const layer = Pretrained.layerMemory({ spoilt: { metadata: {}, tensors } })
      const head = [...tensors.keys()].find((name) => /^classifier.*weight$/.test(name))!
      spoil(head, 5)
      yield* Effect.provide(startWeights(network, 1, "spoilt"), layer)
      const running = [...tensors.keys()].filter((name) => name.endsWith("running_var"))[3]!
      spoil(running, 2)
      const error = yield* Effect.flip(Effect.provide(startWeights(network, 1, "spoilt"), layer))
      assert.instanceOf(error, WeightsError)
      assert.strictEqual(error.reason, "notFinite")
      assert.strictEqual(Runtime.getErrorExitCode(error), 2)
      assert.include(error.message, `not finite: ${running} has ${value} at index 2.`)
      assert.include(
        (yield* Effect.flip(Effect.provide(pretrainedWeights(network, from("spoilt")), layer))).message,
        `${head} has`
      )
    })
)

describe("weights of another run", () => {
  const image = Schema.decodeUnknownSync(ImageConfig)({ height: 48, width: 50 })
  const cnn = (classes: number, width = 50) => simpleCnn.build({ height: 48, width, classes })
  const runOf = (network: Network, labels: ReadonlyArray<string>) => {
    const weights = initialise(network, 99)
    const metadata = { weft: modelMetadata({ network, labels, image, weights }) }
    return { weights, layer: Pretrained.layerMemory({ "runs/first": { metadata, tensors: weights } }) }
  }
  const start = (network: Network, labels: ReadonlyArray<string>, layer: Layer.Layer<Pretrained>) =>
    Effect.provide(startWeights(network, 3, "runs/first", [{ name: "kind", classes: labels }]), layer)

  it.effect("are kept with the head where the classes are the same, and with a new one where they are not", () =>
    Effect.gen(function* () {
      const labels = ["cap", "glove", "scarf"]
      const { layer, weights } = runOf(cnn(3), labels)
      assert.deepStrictEqual(yield* start(cnn(3), labels, layer), weights)
      const drawn = initialise(cnn(3), 3)
      for (const others of [
        ["cap", "scarf", "glove"],
        ["cap", "glove", "sock"]
      ]) {
        const begun = yield* start(cnn(3), others, layer)
        assert.deepStrictEqual(begun.get("fc3.weight"), drawn.get("fc3.weight"))
        assert.deepStrictEqual(begun.get("fc2.weight"), weights.get("fc2.weight"))
      }
      const more = yield* start(cnn(5), [...labels, "sock", "tie"], layer)
      assert.deepStrictEqual(more.get("fc3.bias")?.shape, [5])
      assert.deepStrictEqual(more.get("conv1.weight"), weights.get("conv1.weight"))
    })
  )

  it.effect("are kept column by column, with the heads of those that have the same name and classes", () =>
    Effect.gen(function* () {
      const columnOf = (name: string, classes: ReadonlyArray<string>, values: "one" | "several" = "one") => ({
        name,
        classes,
        values
      })
      const kinds = ["cap", "glove", "scarf"]
      const tags = ["red", "wool"]
      const networkOf = (columns: ReadonlyArray<ReturnType<typeof columnOf>>) =>
        simpleCnn.build({
          height: 48,
          width: 50,
          classes: columns.map(({ classes, name, values }) => ({
            name,
            classes: classes.length,
            kind: values === "one" ? "softmax" : "sigmoid"
          }))
        })
      const before = [columnOf("kind", kinds), columnOf("tags", tags, "several"), columnOf("colour", ["b", "r"])]
      const weights = initialise(networkOf(before), 99)
      const metadata = {
        weft: modelMetadata({ network: networkOf(before), labels: kinds, columns: before, image, weights })
      }
      const layer = Pretrained.layerMemory({ "runs/first": { metadata, tensors: weights } })
      const begin = Effect.fnUntraced(function* (
        columns: ReadonlyArray<ReturnType<typeof columnOf>>,
        file: Layer.Layer<Pretrained> = layer
      ) {
        const network = networkOf(columns)
        const begun = yield* Effect.provide(startWeights(network, 3, "runs/first", columns), file)
        assert.deepStrictEqual(
          [...begun.keys()].sort(),
          parameters(network)
            .map(({ name }) => name)
            .sort()
        )
        const drawn = initialise(network, 3)
        /** Which head of the file a head is, if any. */
        return (head: string) => {
          const own = begun.get(`${head}.bias`)?.data
          const kept = [...weights].find(([, { data }]) => data.join() === own?.join())?.[0]
          if (kept === undefined) assert.deepStrictEqual(own, drawn.get(`${head}.bias`)?.data, `${head} is new`)
          return kept
        }
      })
      const same = yield* begin(before)
      assert.strictEqual(same("fc3.heads.1"), "fc3.heads.1.bias")
      // In another order, one with other classes, one with another kind of values, and a new one.
      const headOf = yield* begin([
        columnOf("colour", ["b", "r"]),
        columnOf("season", kinds),
        columnOf("tags", tags),
        columnOf("kind", kinds.toReversed())
      ])
      assert.strictEqual(headOf("fc3.heads.0"), "fc3.heads.2.bias")
      for (const k of [1, 2, 3]) assert.isUndefined(headOf(`fc3.heads.${k}`))
      // A run of one column begins with its own head, and one of several with that of a run whose column has no name.
      assert.strictEqual((yield* begin([columnOf("kind", kinds)]))("fc3"), "fc3.heads.0.bias")
      assert.isUndefined((yield* begin([columnOf("other", kinds)]))("fc3"))
      const one = runOf(cnn(3), kinds)
      const network = networkOf(before)
      const begun = yield* Effect.provide(startWeights(network, 3, "runs/first", before), one.layer)
      assert.deepStrictEqual(begun.get("fc3.heads.0.weight"), one.weights.get("fc3.weight"))
      assert.deepStrictEqual(begun.get("fc3.heads.2.weight"), initialise(network, 3).get("fc3.heads.2.weight"))
    })
  )

  it.effect("of another network and of images of another size are refused, with what to set", () =>
    Effect.gen(function* () {
      const labels = ["cap", "glove"]
      const refused = (network: Network, of: Network) =>
        Effect.map(Effect.flip(start(network, labels, runOf(of, labels).layer)), ({ message }) => message)
      assert.match(
        yield* refused(cnn(2), mobilenet(2)),
        /a run's of mobilenet-v2, and this one trains simple-cnn\. Set `network\.name`/
      )
      assert.match(
        yield* refused(cnn(2, 80), cnn(2)),
        /48 high and 50 wide.*Set `image\.height` to 48 and `image\.width` to 50/
      )
    })
  )

  it.effect("of another head give all that is not the head", () =>
    Effect.gen(function* () {
      const other = mobilenetV2.build({ height: 64, width: 64, classes: 2, head: "batchnorm", padding: "symmetric" })
      const { layer, weights } = runOf(other, ["cap", "glove"])
      const begun = yield* start(mobilenet(2), ["cap", "glove"], layer)
      assert.deepStrictEqual(begun.get("classifier.1.weight"), initialise(mobilenet(2), 3).get("classifier.1.weight"))
      assert.deepStrictEqual(begun.get("features.0.0.weight"), weights.get("features.0.0.weight"))
    })
  )

  it.effect("of a network that takes images of any size fit those of another size", () =>
    Effect.gen(function* () {
      const at = (height: number) =>
        mobilenetV2.build({ height, width: 64, classes: 2, head: "fc", padding: "symmetric" })
      const { layer, weights } = runOf(at(96), ["cap", "glove"])
      assert.deepStrictEqual(yield* start(at(64), ["cap", "glove"], layer), weights)
    })
  )
})
