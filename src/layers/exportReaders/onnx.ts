import { InferenceSession, Tensor, env } from "onnxruntime-node"
import { join } from "node:path"
import type { ReadRequest, ReadResult } from "../../model/export/ExportReaders.ts"
import { inputName } from "../../model/export/ExportSettings.ts"

/** Runs an exported ONNX model by onnxruntime, as its users do. */
export const read = async ({ batches, folder, outputs: wanted }: ReadRequest): Promise<ReadResult> => {
  const session = await InferenceSession.create(join(folder, "model.onnx"), { logSeverityLevel: 3 })
  const outputs: Array<ReadonlyArray<Float32Array>> = []
  const seconds: Array<number> = []
  for (const { data, shape } of batches) {
    const images =
      data instanceof Uint8Array ? new Tensor("uint8", data, [...shape]) : new Tensor("float32", data, [...shape])
    const start = performance.now()
    const found = await session.run({ [inputName]: images })
    seconds.push((performance.now() - start) / 1000)
    outputs.push(
      wanted.map((name) => {
        const output = found[name]
        if (output === undefined) throw new Error(`it has no output "${name}"`)
        return Float32Array.from(output.data as Float32Array) // declared as float32 in the model
      })
    )
  }
  return { _tag: "Read", reader: `onnxruntime-node ${env.versions.node}`, outputs, seconds }
}
