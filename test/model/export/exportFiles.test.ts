import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { describeExport } from "../../../src/model/export/describeExport.ts"
import type { ExportPlan } from "../../../src/model/export/formats.ts"
import { ExportMetadata, metadataText } from "../../../src/model/export/ExportMetadata.ts"
import { exportFiles, isExported } from "../../../src/model/export/exportFiles.ts"
import { formats } from "../../../src/model/export/formats.ts"
import { safetensors } from "../../../src/model/export/formats/safetensors.ts"
import { decodeModel } from "../../../src/model/Model.ts"
import { vgg16 } from "../../../src/model/networks/vgg16.ts"
import { readOnnx } from "../../../src/model/onnx/OnnxFile.ts"
import { scaleIn } from "../../../src/model/onnx/scaleIn.ts"
import { pretrainedName } from "../../../src/model/startWeights.ts"
import { decode } from "../../../src/model/safetensors.ts"
import { parameters } from "../../../src/model/shapes.ts"
import { mobilenetv2_100 } from "../timm.ts"
import { filesOf, modelOf, narrow, networks, planOf, report } from "./plans.ts"

const decodeMetadata = Schema.decodeUnknownSync(ExportMetadata)
const decodeText = Schema.decodeUnknownSync(Schema.fromJsonString(ExportMetadata))
const mobilenet = modelOf(networks["mobilenet-v2, fc, same"]!, { kind: "temperature", temperature: 1.25 })
const metadataOf = (plan: ExportPlan) => describeExport(plan, report, "0.1.0")

const contentOf = (plan: ExportPlan, name: string) => {
  const file = filesOf(plan).find((file) => file.name === name)
  assert.isDefined(file, name)
  return typeof file.content === "string" ? new TextEncoder().encode(file.content) : file.content
}

const jsonOf = (plan: ExportPlan, name: string) => JSON.parse(new TextDecoder().decode(contentOf(plan, name)))

describe("exportFiles", () => {
  it("says of itself how a photo becomes its input, and what its outputs are", () => {
    const graph = { input: "uint8", output: "probabilities" } as const
    const { input, output, preprocessing, ...about } = metadataOf(planOf(mobilenet, { graph }))
    assert.deepStrictEqual(about.network, { name: "mobilenet-v2", head: "fc", padding: "same" })
    assert.strictEqual(about.labels[4], "犬")
    assert.strictEqual(about.temperature, 1.25)
    assert.strictEqual(about.opset, 13)
    assert.deepStrictEqual(about.receipt, report.receipt)
    assert.include(preprocessing, { height: 38, width: 45, fit: "contain", kernel: "bicubic" })
    assert.deepStrictEqual(
      [preprocessing.mean, preprocessing.std, preprocessing.padding],
      [
        [0.485, 0.456, 0.406],
        [0.229, 0.31, 0.225],
        [255, 254, 250]
      ]
    )
    assert.deepStrictEqual([input?.layout, input?.shape], ["NHWC", [null, 38, 45, 3]])
    const linear = { ...mobilenet, image: { ...mobilenet.image, kernel: "linear" as const } }
    assert.strictEqual(metadataOf(planOf(linear)).preprocessing.kernel, "bilinear")
    // A run that takes the graph as its frozen part resizes as well.
    const graphs = filesOf(planOf(linear, { graph })).concat(filesOf(planOf(linear)))
    for (const { content, name } of graphs.filter(({ name }) => name.endsWith(".onnx")))
      assert.strictEqual(scaleIn(readOnnx(content as Uint8Array))["kernel"], "linear", name) // not a text
    assert.deepStrictEqual(output, { name: "probabilities", shape: [null, 5] })
    const float = metadataOf(planOf(mobilenet))
    assert.deepStrictEqual([float.input?.layout, float.input?.shape], ["NCHW", [null, 3, 38, 45]])
  })

  it("is of the oldest version of ONNX's operators that has them all", () => {
    const opsetOf = (network: keyof typeof networks) => metadataOf(planOf(modelOf(networks[network]!))).opset
    assert.strictEqual(opsetOf("efficientnet-b0 with few filters, fc"), 13)
    assert.strictEqual(opsetOf("mobilenet-v3-large with few filters, fc, same"), 14)
    assert.strictEqual(opsetOf("convnext-atto with few filters, batchnorm"), 17)
    assert.strictEqual(opsetOf("vit-s16 with few filters, fc"), 17)
  })

  it("warns where weights alone are another model elsewhere, and nowhere else", () => {
    const symmetric = modelOf(networks["mobilenet-v2, fc, symmetric"]!)
    for (const names of ["weft", "torchvision", "timm"] as const) {
      const weights = { format: "safetensors", names } as const
      assert.match(metadataOf(planOf(mobilenet, weights)).warnings?.[0] ?? "", /padding "same".*another model/)
      assert.isUndefined(metadataOf(planOf(symmetric, weights)).warnings)
    }
    for (const format of ["onnx", "tfjs", "saved-model"] as const)
      assert.isUndefined(metadataOf(planOf(mobilenet, { format })).warnings)
  })

  it("has its description in every format, and beside it", () => {
    for (const { name: format } of formats) {
      const plan = planOf(mobilenet, { format })
      assert.deepStrictEqual(decodeMetadata(jsonOf(plan, "weft.json")), metadataOf(plan))
    }
    const tfjs = planOf(mobilenet, { format: "tfjs" })
    const inTfjs = jsonOf(tfjs, "model.json").userDefinedMetadata.weft
    assert.deepStrictEqual(decodeMetadata(inTfjs), metadataOf(tfjs))
    for (const [format, name] of [
      ["onnx", "model.onnx"],
      ["saved-model", "saved_model.pb"]
    ] as const) {
      const plan = planOf(mobilenet, { format })
      assert.isAbove(Buffer.from(contentOf(plan, name)).indexOf(metadataText(metadataOf(plan))), 0, format)
    }
  })

  it("knows the files that each format writes, and no others, so that an earlier export can be replaced", () => {
    for (const format of formats) {
      const names = filesOf(planOf(mobilenet, { format: format.name })).map(({ name }) => name)
      assert.isAbove(names.length, 1)
      assert.deepStrictEqual(
        names.filter((name) => !format.writes(name)),
        ["weft.json"],
        format.name
      )
      for (const name of names) assert.isTrue(isExported(name), name)
      for (const name of ["notes.txt", "model.pt", ".model.onnx", "group1-shard1of2.bin.bak", ""])
        assert.isFalse(isExported(name), name)
    }
  })

  it("divides TensorFlow.js's weights into files of 4 MiB that hold every byte", () => {
    const plan = planOf(mobilenet, { format: "tfjs" })
    const [{ paths, weights }] = jsonOf(plan, "model.json").weightsManifest
    const sizes = paths.map((path: string) => contentOf(plan, path).length)
    assert.deepStrictEqual(paths, ["group1-shard1of3.bin", "group1-shard2of3.bin", "group1-shard3of3.bin"])
    assert.deepStrictEqual(sizes.slice(0, 2), [4 * 2 ** 20, 4 * 2 ** 20])
    const numbers = weights.map(({ shape }: { shape: ReadonlyArray<number> }) => shape.reduce((a, b) => a * b, 1))
    assert.strictEqual(
      sizes.reduce((a: number, b: number) => a + b, 0),
      4 * numbers.reduce((a: number, b: number) => a + b, 0)
    )
  })

  it.effect("writes safetensors that are a model of Weft's again, bit for bit", () =>
    Effect.gen(function* () {
      const plan = planOf(mobilenet, { format: "safetensors", names: "torchvision" })
      const bytes = contentOf(plan, "model.safetensors")
      const again = yield* decodeModel(bytes, "model.safetensors")
      assert.deepStrictEqual(again, mobilenet)
      const { metadata } = Result.getOrThrow(decode(bytes))
      assert.deepStrictEqual(decodeText(metadata["export"]), metadataOf(plan))
    })
  )

  it("gives a mobilenet-v2 the names and shapes that timm gives it", () => {
    const plan = planOf(mobilenet, { format: "safetensors", names: "timm" })
    const { tensors } = Result.getOrThrow(decode(contentOf(plan, "model.safetensors")))
    const theirs = mobilenetv2_100(5).filter(([name]) => !name.endsWith("num_batches_tracked"))
    assert.deepStrictEqual(
      new Map(Array.from(tensors, ([name, { shape }]) => [name, [...shape]])),
      new Map(theirs.map(([name, shape]) => [name, [...shape]]))
    )
    for (const [name, { data }] of tensors)
      assert.strictEqual(data.length, mobilenet.weights.get(pretrainedName("mobilenet-v2", name)!)?.data.length)
  })

  it("finds our name for each of timm's names of a vgg16, whose dense layers are convolutions there", () => {
    const network = vgg16.build({ height: 32, width: 40, classes: 5, head: "fc" })
    const names = parameters(network).map(({ name }) => name)
    const { toTimm } = vgg16.timm!
    assert.deepStrictEqual(
      names.map((name) => pretrainedName("vgg16", toTimm(name))),
      names
    )
    assert.deepStrictEqual(names.filter((name) => name.startsWith("classifier")).map(toTimm), [
      "pre_logits.fc1.weight",
      "pre_logits.fc1.bias",
      "pre_logits.fc2.weight",
      "pre_logits.fc2.bias",
      "head.fc.weight",
      "head.fc.bias"
    ])
    const plan = planOf(modelOf(narrow(network)), { format: "safetensors", names: "timm" })
    const { tensors } = Result.getOrThrow(decode(contentOf(plan, "model.safetensors")))
    assert.deepStrictEqual(tensors.get("pre_logits.fc1.weight")?.shape, [24, 12, 7, 7])
    assert.deepStrictEqual(tensors.get("pre_logits.fc2.weight")?.shape, [24, 24, 1, 1])
    assert.deepStrictEqual(
      tensors.get("pre_logits.fc1.weight")?.data,
      plan.model.weights.get("classifier.0.weight")?.data
    )
  })

  it("has no names of others for a network or a head that they do not have", () => {
    const fault = (network: string, names: "timm" | "torchvision" | "weft") =>
      safetensors.fault({ model: modelOf(networks[network]!), names })
    assert.match(fault("simple-cnn", "timm") ?? "", /timm has no network "simple-cnn"; leave out --names/)
    assert.match(fault("mobilenet-v2, batchnorm, same", "torchvision") ?? "", /one dense layer as its head/)
    assert.isUndefined(fault("mobilenet-v2, fc, same", "timm"))
    assert.isUndefined(fault("simple-cnn", "weft"))
  })

  it("does not write a model whose tensors are not all there", () => {
    const weights = new Map(mobilenet.weights)
    weights.delete("features.18.0.weight")
    assert.throws(() => exportFiles(planOf({ ...mobilenet, weights }), metadataOf(planOf(mobilenet))))
  })
})
