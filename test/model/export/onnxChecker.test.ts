import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import * as ReferenceEngine from "../../../src/layers/engines/reference/ReferenceEngine.ts"
import { softmax } from "../../../src/metrics/crossEntropy.ts"
import { Engine } from "../../../src/model/Engine.ts"
import { batchFor } from "../../../src/model/export/batchFor.ts"
import { metadataText } from "../../../src/model/export/ExportMetadata.ts"
import { describeExport } from "../../../src/model/export/describeExport.ts"
import type { ExportInput, ExportOutput } from "../../../src/model/export/ExportSettings.ts"
import { logitsOf } from "../../../src/run/export/checkExport.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { pythonWith } from "../../python.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { assertNear } from "../engineContract/reference.ts"
import { filesOf, modelOf, networks, planOf, report } from "./plans.ts"

const python = pythonWith("onnx", "onnxruntime", "numpy")
const size = 4

const check = Effect.fnUntraced(function* (name: keyof typeof networks, input: ExportInput, output: ExportOutput) {
  const network = networks[name]!
  const { height, width } = network
  const model = modelOf(network, { kind: "temperature", temperature: 1.7 })
  const plan = planOf(model, { graph: { input, output } })
  const random = draw("onnx", name)
  const bytes = Uint8Array.from({ length: size * height * width * 3 }, () => random.below(256))
  const held = { bytes, size, height, width }
  const folder = yield* temporaryFolder
  for (const file of filesOf(plan)) yield* Effect.promise(() => writeFile(join(folder, file.name), file.content))
  const batch = batchFor(held, model.image, "onnx", input)
  yield* Effect.promise(() => writeFile(join(folder, "batch.bin"), batch.data))
  const script = join(import.meta.dirname, "check_onnx.py")
  const { stdout } = yield* Effect.promise(
    () => promisify(execFile)(python!, [script, join(folder, "model.onnx"), join(folder, "batch.bin")]) // skipped without it
  )
  const logits = yield* logitsOf(yield* Engine, model, held)
  return {
    found: JSON.parse(stdout),
    metadata: describeExport(plan, report, "0.1.0"),
    expected:
      output === "logits"
        ? [...logits]
        : [
            ...softmax(
              logits.map((one) => one / 1.7),
              network.classes
            )
          ]
  }
})

describe("exported ONNX in Python (onnx and onnxruntime)", () => {
  it.effect.skipIf(!python)("passes onnx's checker, from bytes to calibrated probabilities, with its metadata", () =>
    Effect.gen(function* () {
      const { expected, found, metadata } = yield* check("odd blocks", "uint8", "probabilities")
      assert.deepStrictEqual(found.input, ["images", "tensor(uint8)", ["N", 18, 13, 3]])
      assert.deepStrictEqual(found.output, ["probabilities", "tensor(float)", ["N", 5]])
      assert.deepStrictEqual(found.opsets, [13])
      assert.strictEqual(found.metadata.weft, metadataText(metadata))
      assert.deepStrictEqual(JSON.parse(found.metadata.labels), metadata.labels)
      assertNear(found.values, expected, "probabilities", 1e-4)
    }).pipe(Effect.provide([ReferenceEngine.layer, OnnxFeatures.layer]))
  )

  it.effect.skipIf(!python)("passes onnx's checker, from normalised numbers to logits", () =>
    Effect.gen(function* () {
      const { expected, found } = yield* check("mobilenet-v2, batchnorm, symmetric", "float", "logits")
      assert.deepStrictEqual(found.input, ["images", "tensor(float)", ["N", 3, 45, 38]])
      assertNear(found.values, expected, "logits", 1e-4)
    }).pipe(Effect.provide([ReferenceEngine.layer, OnnxFeatures.layer]))
  )
})
