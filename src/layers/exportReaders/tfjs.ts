import * as tf from "@tensorflow/tfjs-core"
import { setWasmPaths, version_wasm } from "@tensorflow/tfjs-backend-wasm"
import { loadGraphModel, version_converter } from "@tensorflow/tfjs-converter"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, join, sep } from "node:path"
import type { ReadRequest, ReadResult } from "../../model/export/ExportReaders.ts"

/** What TensorFlow.js loads over HTTP in a browser, from a folder. */
const handlerOf = (folder: string): tf.io.IOHandler => ({
  load: async () => {
    const json = JSON.parse(await readFile(join(folder, "model.json"), "utf8")) as tf.io.ModelJSON // we wrote it
    return tf.io.getModelArtifactsForJSON(json, async (manifest) => {
      const files = await Promise.all(
        manifest.flatMap(({ paths }) => paths.map((path) => readFile(join(folder, path))))
      )
      return [tf.io.getWeightSpecs(manifest), new Uint8Array(Buffer.concat(files)).buffer]
    })
  }
})

/** Runs an exported graph model by the unchanged TensorFlow.js, on its own wasm backend. */
export const read = async ({ batches, folder, outputs: wanted }: ReadRequest): Promise<ReadResult> => {
  setWasmPaths(dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm")) + sep)
  await tf.setBackend("wasm")
  const model = await loadGraphModel(handlerOf(folder))
  const outputs: Array<ReadonlyArray<Float32Array>> = []
  const seconds: Array<number> = []
  for (const { data, shape } of batches) {
    const images = data instanceof Uint8Array ? tf.tensor(data, [...shape], "int32") : tf.tensor(data, [...shape])
    const start = performance.now()
    // One tensor alone where there is one name.
    const found = [model.execute(images, [...wanted])].flat()
    outputs.push(await Promise.all(found.map(async (tensor) => Float32Array.from(await tensor.data()))))
    seconds.push((performance.now() - start) / 1000)
    tf.dispose([images, ...found])
  }
  const reader = `@tensorflow/tfjs-converter ${version_converter} on the wasm backend ${version_wasm}`
  return { _tag: "Read", reader, outputs, seconds }
}
