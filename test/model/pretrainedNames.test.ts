import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { pretrainedName } from "../../src/model/startWeights.ts"
import { mobilenetV2 } from "../../src/model/networks/mobilenetV2.ts"
import { vgg16 } from "../../src/model/networks/vgg16.ts"
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
