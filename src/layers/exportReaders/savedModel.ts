import * as tf from "@tensorflow/tfjs-core"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { defaultEngine } from "../../model/EngineConfig.ts"
import type { ReadRequest, ReadResult } from "../../model/export/ExportReaders.ts"
import { inputName } from "../../model/export/ExportSettings.ts"
import { backendFolder, readInstalled } from "../backend/BackendFolder.ts"
import { deviceConfig } from "../engines/tensorflow/deviceConfig.ts"
import { kernelsName } from "../engines/tensorflow/kernelsName.ts"
import { openBackend } from "../engines/tensorflow/openBackend.ts"
import { readByPython } from "./python.ts"

/** Runs an exported SavedModel by TensorFlow's C library: the engine `tensorflow`, without its GPU. */
const readByBackend = async (
  folder: string,
  { batches, outputs: wanted, ...request }: ReadRequest
): Promise<ReadResult> => {
  delete process.env["WEFT_TENSORFLOW_CONFIG"] // inherited from the parent process, which may use the GPU
  const { backend, run } = openBackend(folder, deviceConfig({ ...defaultEngine, device: "cpu" }), false)
  await tf.setBackend("tensorflow")
  const session = backend.loadSavedModelMetaGraph(request.folder, "serve")
  const outputs: Array<ReadonlyArray<Float32Array>> = []
  for (const { data, shape } of batches) {
    const isBytes = data instanceof Uint8Array
    const images = isBytes ? tf.tensor(data, [...shape], "int32") : tf.tensor(data, [...shape])
    const input = { name: `${inputName}:0`, tfDtype: isBytes ? "DT_UINT8" : "DT_FLOAT" }
    const found = backend.runSavedModel(
      session,
      [images],
      [input],
      wanted.map((name) => `${name}:0`)
    )
    outputs.push(
      wanted.map((name, i) => {
        const output = found[i]
        if (output === undefined) throw new Error(`it has no output "${name}"`)
        return Float32Array.from(backend.readSync(output.dataId) as Float32Array) // declared as float32
      })
    )
  }
  backend.deleteSavedModel(session)
  return { _tag: "Read", reader: `TensorFlow ${run.version} (libtensorflow)`, outputs }
}

/** Runs an exported SavedModel by the installed backend's TensorFlow, else Python's. */
export const read = async (request: ReadRequest): Promise<ReadResult> => {
  const installed = readInstalled(backendFolder())
  return installed !== undefined && existsSync(join(installed.folder, kernelsName()))
    ? readByBackend(installed.folder, request)
    : readByPython(request)
}
