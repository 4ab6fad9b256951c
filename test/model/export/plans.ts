import type { Report } from "../../../src/metrics/Report.ts"
import type { ExportPlan } from "../../../src/model/export/describeExport.ts"
import { describeExport } from "../../../src/model/export/describeExport.ts"
import { exportFiles } from "../../../src/model/export/exportFiles.ts"
import type { Model } from "../../../src/model/Model.ts"
import type { Network } from "../../../src/model/Network.ts"
import { mobilenetV2 } from "../../../src/model/networks/mobilenetV2.ts"
import { simpleCnn } from "../../../src/model/networks/simpleCnn.ts"
import { referenceWeights } from "../engineContract/reference.ts"

const classes = 5
const labels = ["Löwe", "ant", 'bee "B"', "cow\n", "犬"]

/** All networks with all heads and paddings, but VGG16, whose width cannot be small. */
export const networks: Readonly<Record<string, Network>> = {
  "simple-cnn": simpleCnn({ height: 52, width: 49, classes }),
  "mobilenet-v2, fc, symmetric": mobilenetV2({ height: 38, width: 45, classes, head: "fc", padding: "symmetric" }),
  "mobilenet-v2, fc, same": mobilenetV2({ height: 38, width: 45, classes, head: "fc", padding: "same" }),
  "mobilenet-v2, batchnorm, symmetric": mobilenetV2({
    height: 45,
    width: 38,
    classes,
    head: "batchnorm",
    padding: "symmetric"
  }),
  "mobilenet-v2, batchnorm, same": mobilenetV2({ height: 45, width: 38, classes, head: "batchnorm", padding: "same" })
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
  engine: { name: "mock", device: "CPU", versions: {} },
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

/** A plan, with what is left out as it is where nobody says anything. */
export const planOf = (model: Model, settings: Partial<Omit<ExportPlan, "model">> = {}): ExportPlan => ({
  format: "onnx",
  graph: { input: "float", output: "logits" },
  names: "weft",
  model,
  ...settings
})

/** The files of a plan. */
export const filesOf = (plan: ExportPlan) => exportFiles(plan, describeExport(plan, report, "0.1.0"))
