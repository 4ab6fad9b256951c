import type { Report } from "../../../src/metrics/Report.ts"
import type { ExportPlan } from "../../../src/model/export/formats.ts"
import { describeExport } from "../../../src/model/export/describeExport.ts"
import { exportFiles } from "../../../src/model/export/exportFiles.ts"
import type { Model } from "../../../src/model/Model.ts"
import type { Network } from "../../../src/model/Network.ts"
import type { HeadLayers } from "../../../src/pipeline/HeadLayers.ts"
import { convnextAtto } from "../../../src/model/networks/convnext.ts"
import { efficientnetB0 } from "../../../src/model/networks/efficientnet.ts"
import { mobilenetV2 } from "../../../src/model/networks/mobilenetV2.ts"
import { mobilenetV3Large } from "../../../src/model/networks/mobilenetV3.ts"
import { resnet18, resnet50 } from "../../../src/model/networks/resnet.ts"
import { vgg16 } from "../../../src/model/networks/vgg16.ts"
import { vitS16 } from "../../../src/model/networks/vit.ts"
import { simpleCnn } from "../../../src/model/networks/simpleCnn.ts"
import type { Block } from "../../../src/model/Block.ts"
import { referenceWeights } from "../engineContract/reference.ts"
import { flat, inside } from "../featuresContract.ts"

const classes = 5
const labels = ["Löwe", "ant", 'bee "B"', "cow\n", "犬"]

const fewFilters = 12

/** What is added to an image of few filters has as many: of the linear layers in a residual, the last one's. */
const endingAsNarrow = (blocks: ReadonlyArray<Block>): ReadonlyArray<Block> => {
  const last = blocks.findLastIndex(({ _tag }) => _tag === "Dense")
  return blocks.map((block, i) => (i === last && block._tag === "Dense" ? { ...block, units: fewFilters } : block))
}

/** A network's blocks with few filters and units: VGG16's own take half a gigabyte. */
export const narrow = (network: Network): Network => {
  const few = (block: Block): Block => {
    switch (block._tag) {
      case "Conv2d":
        return { ...block, filters: Math.min(block.filters, fewFilters) }
      case "Dense":
        return block === network.blocks.at(-1) ? block : { ...block, units: 24 }
      case "Residual":
        return {
          ...block,
          blocks: endingAsNarrow(block.blocks.map(few)),
          ...(block.shortcut && { shortcut: block.shortcut.map(few) })
        }
      case "Gate":
        return { ...block, blocks: block.blocks.map(few) }
      default:
        return block
    }
  }
  return { ...network, blocks: network.blocks.map(few) }
}

const vgg = (head: HeadLayers) => narrow(vgg16.build({ height: 70, width: 33, classes, head }))

const dense = (name: string, units: number): Block => ({ _tag: "Dense", name, units, bias: true, init: "torch" })

/**
 * Blocks in orders that no network has: images whose channels a graph may hold first or last meet in residuals and gates,
 * and go on as pixels, as tokens, and flat.
 */
const mixed: ReadonlyArray<Block> = [
  { _tag: "LayerNorm", name: "norm0", eps: 1e-5 },
  { _tag: "Conv2d", name: "conv", filters: 6, kernel: [3, 2], stride: 2, padding: 1, bias: true, init: "torch" },
  { _tag: "Activation", kind: "gelu" },
  {
    _tag: "Residual",
    blocks: [
      dense("dense1", 6),
      { _tag: "BatchNorm", name: "norm1", eps: 1e-4, momentum: 0.1 },
      { _tag: "Activation", kind: "hard-swish" }
    ],
    shortcut: [
      {
        _tag: "DepthwiseConv2d",
        name: "depth",
        kernel: [3, 3],
        stride: 1,
        padding: "same",
        bias: false,
        init: "torch"
      }
    ]
  },
  { _tag: "Residual", blocks: [{ _tag: "LayerScale", name: "scale1", initial: 1 }], shortcut: [dense("dense2", 6)] },
  { _tag: "BatchNorm", name: "norm2", eps: 1e-4, momentum: 0.1 },
  {
    _tag: "Gate",
    blocks: [{ _tag: "AdaptiveAveragePool", size: [1, 1] }, dense("dense3", 6), { _tag: "Activation", kind: "sigmoid" }]
  },
  {
    _tag: "Gate",
    blocks: [
      { _tag: "LayerNorm", name: "norm3", eps: 0.1 },
      { _tag: "Activation", kind: "silu" }
    ]
  },
  { _tag: "MaxPool", size: 2, stride: 1, padding: 1 },
  {
    _tag: "Gate",
    blocks: [
      { _tag: "Conv2d", name: "gate", filters: 6, kernel: [3, 3], stride: 1, padding: 1, bias: true, init: "torch" },
      { _tag: "Activation", kind: "hard-sigmoid" }
    ]
  },
  dense("dense4", 8),
  { _tag: "AdaptiveAveragePool", size: [3, 4] },
  { _tag: "LayerNorm", name: "norm4", eps: 1e-6 },
  { _tag: "Tokens" },
  { _tag: "PositionEmbedding", name: "position" },
  { _tag: "Residual", blocks: [{ _tag: "Attention", name: "attention", heads: 2 }] },
  { _tag: "ClassToken", name: "class" },
  { _tag: "LayerNorm", name: "norm5", eps: 1e-6 },
  dense("dense5", 7),
  {
    _tag: "Heads",
    heads: [
      { blocks: [{ _tag: "FirstToken" }, dense("first", 2)] },
      { blocks: [{ _tag: "Flatten" }, { _tag: "LayerNorm", name: "norm6", eps: 1e-6 }, dense("all", 3)] }
    ]
  }
]

/** All networks with all heads and paddings; and blocks that no network has, inside the images and behind them. */
export const networks: Readonly<Record<string, Network>> = {
  "simple-cnn": simpleCnn.build({ height: 52, width: 49, classes }),
  "mobilenet-v2, fc, symmetric": mobilenetV2.build({
    height: 38,
    width: 45,
    classes,
    head: "fc",
    padding: "symmetric"
  }),
  "mobilenet-v2, fc, same": mobilenetV2.build({ height: 38, width: 45, classes, head: "fc", padding: "same" }),
  "mobilenet-v2, batchnorm, symmetric": mobilenetV2.build({
    height: 45,
    width: 38,
    classes,
    head: "batchnorm",
    padding: "symmetric"
  }),
  "mobilenet-v2, batchnorm, same": mobilenetV2.build({
    height: 45,
    width: 38,
    classes,
    head: "batchnorm",
    padding: "same"
  }),
  "vgg16 with few filters, fc": vgg("fc"),
  "vgg16 with few filters, batchnorm": vgg("batchnorm"),
  "resnet18 with few filters, fc": narrow(resnet18.build({ height: 45, width: 38, classes })),
  "resnet50 with few filters, batchnorm": narrow(resnet50.build({ height: 38, width: 45, classes, head: "batchnorm" })),
  "mobilenet-v3-large with few filters, batchnorm, symmetric": narrow(
    mobilenetV3Large.build({ height: 45, width: 38, classes, head: "batchnorm" })
  ),
  "mobilenet-v3-large with few filters, fc, same": narrow(
    mobilenetV3Large.build({ height: 38, width: 45, classes, padding: "same" })
  ),
  "efficientnet-b0 with few filters, fc": narrow(efficientnetB0.build({ height: 38, width: 45, classes })),
  "convnext-atto with few filters, batchnorm": narrow(
    convnextAtto.build({ height: 71, width: 45, classes, head: "batchnorm" })
  ),
  "vit-s16 with few filters, fc": narrow(vitS16.build({ height: 48, width: 32, classes })),
  "vit-s16 with few filters, two columns with different heads": narrow(
    vitS16.build({
      height: 32,
      width: 64,
      classes: [
        { name: "kind", classes: 3, kind: "softmax" },
        { name: "tags", classes: 2, kind: "sigmoid", head: "batchnorm" }
      ]
    })
  ),
  "new blocks in other orders": {
    name: "odd",
    height: 11,
    width: 14,
    classes,
    blocks: mixed
  },
  "simple-cnn, three columns": simpleCnn.build({
    height: 52,
    width: 49,
    classes: [
      { name: "kind", classes: 2, kind: "softmax" },
      { name: "tags", classes: 1, kind: "sigmoid" },
      { name: "colour", classes: 2, kind: "softmax" }
    ]
  }),
  "mobilenet-v2, two columns with different heads": mobilenetV2.build({
    height: 38,
    width: 45,
    classes: [
      { name: "kind", classes: 3, kind: "softmax" },
      { name: "tags", classes: 2, kind: "sigmoid", head: "batchnorm" }
    ]
  }),
  "odd blocks": { name: "odd", height: 18, width: 13, classes, blocks: flat },
  "odd blocks that end in a pooling": {
    name: "odd",
    height: 19,
    width: 14,
    classes,
    blocks: [
      ...inside,
      {
        _tag: "Conv2d",
        name: "last",
        filters: classes,
        kernel: [1, 1],
        padding: 0,
        stride: 1,
        bias: true,
        init: "torch"
      },
      { _tag: "GlobalAveragePool" }
    ]
  }
}

/** A model of a network, with weights by the formula of the reference figures; its channels are scaled unlike. */
export const modelOf = (network: Network, calibration?: Model["calibration"]): Model => ({
  network,
  labels: labels.slice(0, network.classes),
  image: {
    height: network.height,
    width: network.width,
    fit: "contain",
    background: [255, 254, 250],
    maxPixels: 1e6,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.31, 0.225]
  },
  weights: referenceWeights(network, "export-"),
  calibration
})

/** A finished run's report, of which an export needs the head and the receipt. */
export const report: Report = {
  data: { listed: 40, kept: 36, refused: { malformed: 4 }, classes, train: 28, validation: 4, test: 4 },
  model: { network: "any", head: "fc", parameters: 1, trainableParameters: 1 },
  history: [],
  chosenEpoch: 1,
  test: null,
  engine: { name: "reference", device: "CPU", versions: {} },
  seconds: 1,
  receipt: {
    dataDigest: "d1",
    configDigest: "c1",
    ledger: { listed: 40, kept: 36, refused: { malformed: 4 } },
    versions: { weft: "0.1.0" },
    seeds: { run: 3 },
    machine: { platform: "linux", arch: "x64", cpus: 2, memory: 8 }
  }
}

/** A plan, with the defaults for what is left out. */
export const planOf = (model: Model, settings: Partial<Omit<ExportPlan, "model">> = {}): ExportPlan => ({
  format: "onnx",
  graph: { input: "float", output: "logits" },
  names: "weft",
  model,
  ...settings
})

/** The files of a plan. */
export const filesOf = (plan: ExportPlan) => exportFiles(plan, describeExport(plan, report, "0.1.0"))
