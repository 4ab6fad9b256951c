import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { pretrainedName } from "../../src/model/startWeights.ts"
import { mobilenetV2 } from "../../src/model/networks/mobilenetV2.ts"
import { convnextAtto, convnextTiny } from "../../src/model/networks/convnext.ts"
import { efficientnetB0 } from "../../src/model/networks/efficientnet.ts"
import { mobilenetV3Large } from "../../src/model/networks/mobilenetV3.ts"
import { vgg16 } from "../../src/model/networks/vgg16.ts"
import { vitB16, vitS16 } from "../../src/model/networks/vit.ts"
import { architectureOf } from "../../src/model/networks.ts"
import type { Tensor } from "../../src/model/Tensor.ts"
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
  },
  {
    network: mobilenetV3Large.build(size),
    ofTimm: timm.mobilenetv3_large_100(1000),
    ofTorchvision: "3abde803707966e4926ecf17ab35060528f76363e2f430f21fbae7e3ead435a2"
  },
  {
    network: efficientnetB0.build(size),
    ofTimm: timm.efficientnet_b0(1000),
    ofTorchvision: "ec100273115467601cd0efe42692a0d523dde73bb50fd01adb7b37c3b6fa00fc"
  },
  {
    network: convnextTiny.build(size),
    ofTimm: timm.convnext_tiny(1000),
    ofTorchvision: "39d0e94f41cc6e25e619c9d727a6547ac643edca615a567ce63144f078a89be5"
  },
  { network: convnextAtto.build(size), ofTimm: timm.convnext_atto(1000), ofTorchvision: undefined },
  { network: vitS16.build(size), ofTimm: timm.vit_small_patch16_224(1000), ofTorchvision: undefined },
  {
    network: vitB16.build(size),
    ofTimm: timm.vit_base_patch16_224(1000),
    ofTorchvision: "6fb29f2c47a51ed05cb30a81883aa941ea0d67fe66f1ab57e038444238471f2a"
  }
] as const

it.effect("our names and shapes are those of torchvision's state dictionaries", () =>
  Effect.gen(function* () {
    for (const { network, ofTorchvision } of networks) {
      if (ofTorchvision === undefined) continue // torchvision has none of this size
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

it("our names become timm's again, with timm's shapes", () => {
  for (const { network, ofTimm } of networks) {
    const architecture = architectureOf(network.name)?.timm
    assert.isDefined(architecture, network.name)
    const { reshaped = (_name: string, tensor: Tensor) => tensor, toTimm } = architecture
    const named = parameters(network).map(({ name, shape }) => {
      const tensor = reshaped(toTimm(name), { shape, data: new Float32Array() })
      return `${toTimm(name)} ${tensor.shape.join("x")}`
    })
    const theirs = ofTimm.filter(([name]) => !name.endsWith("num_batches_tracked"))
    assert.deepStrictEqual(named.sort(), theirs.map(([name, shape]) => `${name} ${shape.join("x")}`).sort())
  }
})

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
