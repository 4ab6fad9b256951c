import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { TimmNames } from "../../src/model/Architecture.ts"
import { initialise } from "../../src/model/initialise.ts"
import { Pretrained } from "../../src/model/Pretrained.ts"
import { matchNames, pretrainedName, pretrainedWeights } from "../../src/model/startWeights.ts"
import { convnextAtto, convnextTiny } from "../../src/model/networks/convnext.ts"
import { efficientnetB0 } from "../../src/model/networks/efficientnet.ts"
import { mobilenetV2 } from "../../src/model/networks/mobilenetV2.ts"
import { mobilenetV3Large } from "../../src/model/networks/mobilenetV3.ts"
import { vgg16 } from "../../src/model/networks/vgg16.ts"
import { vitB16, vitS16 } from "../../src/model/networks/vit.ts"
import { parameters } from "../../src/model/shapes.ts"
import { sha256 } from "../../src/pipeline/sha256.ts"
import * as timm from "./timm.ts"

const size = { height: 224, width: 224, classes: 1000, head: "fc" } as const
const networks = [
  {
    network: mobilenetV2.build({ ...size, padding: "symmetric" }),
    ofTimm: timm.mobilenetv2_100(1000),
    // torchvision 0.28: SHA-256 of the sorted lines "NAME SHAPE" of mobilenet_v2().state_dict().
    ofTorchvision: "1f27e3d93ac9d0ffc61ab3e5b356f06d46d13af45ee9477b17ec86faa53c5379"
  },
  {
    network: vgg16.build(size),
    ofTimm: timm.vgg16(1000),
    ofTorchvision: "e36b43eb356035da8773e7fcc78b2535bbbf866e196790b7e11f3a547e89dfc3"
  }
] as const

it.effect("our names and shapes are those of torchvision's state dictionaries", () =>
  Effect.gen(function* () {
    for (const { network, ofTorchvision } of networks) {
      const lines = parameters(network).map(({ name, shape }) => `${name} ${shape.join("x")}`)
      assert.strictEqual(yield* sha256(lines.sort().join("\n")), ofTorchvision, network.name)
    }
  })
)

it("every one of timm's names becomes another one of ours, all of ours are there, and the numbers are as many", () => {
  for (const { network, ofTimm } of networks) {
    const named = ofTimm.flatMap(([name, shape]) => {
      const ours = pretrainedName(network.name, name)
      return ours === undefined ? [] : [`${ours} ${shape.reduce((n, side) => n * side, 1)}`]
    })
    const ours = parameters(network).map(({ name, shape }) => `${name} ${shape.reduce((n, side) => n * side, 1)}`)
    assert.deepStrictEqual(named.sort(), ours.sort())
  }
})

/**
 * SHA-256 of the sorted lines "NAME SHAPE" of a state dictionary without `num_batches_tracked`, for 1,000 classes at 224x224:
 * torchvision 0.28's and timm 1.0.29's.
 */
const others = [
  {
    architecture: mobilenetV3Large,
    ofTorchvision: "3abde803707966e4926ecf17ab35060528f76363e2f430f21fbae7e3ead435a2",
    ofTimm: "577e14f5662a0b4ff7341c4c2f8d77feac2899694cfce9fa281e2c4443c4c600"
  },
  {
    architecture: efficientnetB0,
    ofTorchvision: "ec100273115467601cd0efe42692a0d523dde73bb50fd01adb7b37c3b6fa00fc",
    ofTimm: "4039fc87ba1680c2454710ed1a366f348ec7dfaff55ae176244d68917fc291fc"
  },
  {
    architecture: convnextTiny,
    ofTorchvision: "39d0e94f41cc6e25e619c9d727a6547ac643edca615a567ce63144f078a89be5",
    ofTimm: "335fc1339013dfa3e6c068d04653aa1768f04fc78b3c07df221211f7cc079f5f"
  },
  {
    architecture: convnextAtto,
    ofTimm: "e42154989a7280f227e5ceb573ea222f099960aa10ada75af0a209ec6dbfbb0c"
  },
  {
    architecture: vitS16,
    ofTimm: "22a4679ba57db1e5d8546029a0c873056863a6aef14831a1d17c36d88cfebb32"
  },
  {
    architecture: vitB16,
    ofTorchvision: "6fb29f2c47a51ed05cb30a81883aa941ea0d67fe66f1ab57e038444238471f2a",
    ofTimm: "e31965f7dfdf165c3cd7d2d0d872ac2b1335ca463fae29c0c416f49d9b046274"
  }
] as const

it.effect.each(others)("has torchvision's and timm's names and shapes: $architecture.name", (one) =>
  Effect.gen(function* () {
    const network = one.architecture.build({ height: 224, width: 224, classes: 1000 })
    const all = parameters(network)
    const digest = (lines: ReadonlyArray<string>) => sha256(lines.toSorted().join("\n"))
    const line = (name: string, shape: ReadonlyArray<number>) => `${name} ${shape.join("x")}`
    if ("ofTorchvision" in one)
      assert.strictEqual(yield* digest(all.map(({ name, shape }) => line(name, shape))), one.ofTorchvision)
    const timm: TimmNames | undefined = one.architecture.timm
    assert.isDefined(timm)
    const ofTimm = all.map(({ name, shape }) => {
      const theirs = timm.toTimm(name)
      return [theirs, timm.reshaped?.(theirs, { shape, data: new Float32Array(0) }).shape ?? shape] as const
    })
    assert.strictEqual(yield* digest(ofTimm.map(([name, shape]) => line(name, shape))), one.ofTimm)
    for (const { name } of all) assert.strictEqual(pretrainedName(network.name, timm.toTimm(name)), name)
    for (const { name } of all) assert.strictEqual(pretrainedName(network.name, name), name)
    const matched = yield* matchNames(network, new Map(ofTimm), { head: true, source: "timm" })
    assert.strictEqual(matched.size, all.length)
  })
)

it.effect("timm's running variances are read as those of batch norms with torchvision's eps", () =>
  Effect.gen(function* () {
    const network = mobilenetV3Large.build({ height: 32, width: 32, classes: 3 })
    const { toTimm } = mobilenetV3Large.timm ?? assert.fail("it has timm's names")
    const ours = initialise(network, 1)
    const theirs = new Map([...ours].map(([name, tensor]) => [toTimm(name), tensor]))
    const read = (source: string) =>
      pretrainedWeights(network, { head: true, source }).pipe(
        Effect.provide(
          Pretrained.layerMemory({
            timm: { metadata: {}, tensors: theirs },
            torchvision: { metadata: {}, tensors: ours }
          })
        )
      )
    const name = "features.1.block.0.1.running_var"
    assert.approximately((yield* read("timm")).get(name)!.data[0]!, 1 + 1e-5 - 1e-3, 1e-7)
    assert.strictEqual((yield* read("torchvision")).get(name)!.data[0], 1)
    assert.deepStrictEqual(
      (yield* read("timm")).get("classifier.0.weight")!.data,
      ours.get("classifier.0.weight")!.data
    )
  })
)

it("torchvision's names stay, and what only training needs is left out", () => {
  for (const { network } of networks)
    for (const { name } of parameters(network)) assert.strictEqual(pretrainedName(network.name, name), name)
  assert.isUndefined(pretrainedName("mobilenet-v2", "bn1.num_batches_tracked"))
  assert.isUndefined(pretrainedName("mobilenet-v2", "features.0.1.num_batches_tracked"))
})

it("blocks that MobileNetV2 has not are not taken for one that it has", () => {
  const ours = new Set(parameters(networks[0].network).map(({ name }) => name))
  for (const name of ["blocks.7.0.conv_dw.weight", "blocks.0.0.conv_pwl.weight", "blocks.1.0.se.conv_reduce.weight"])
    assert.isFalse(ours.has(pretrainedName("mobilenet-v2", name) ?? ""), name)
})
