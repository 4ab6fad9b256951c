import { parentPort, workerData } from "node:worker_threads"
import * as ort from "onnxruntime-node"
import { messageOf } from "../../../pipeline/messageOf.ts"
import type { Begin, Call, Reply } from "./messages.ts"

// What `OnnxThreads` starts its threads with: a session that answers one call after the other. Where it cannot be opened
// the thread ends with the error.
const { input, model, options, output } = workerData as Begin
// It takes no shared memory here.
const session = await ort.InferenceSession.create(Uint8Array.from(model), options)

const answer = async ({ dims, images, ticket }: Call): Promise<void> => {
  try {
    const tensor = (await session.run({ [input]: new ort.Tensor("float32", images, dims) }))[output]! // its only output
    // A copy with memory of its own, which can be handed over; float32 in the model.
    const features = Float32Array.from(tensor.data as Float32Array)
    tensor.dispose()
    parentPort?.postMessage({ _tag: "done", ticket, features } satisfies Reply, [features.buffer])
  } catch (cause) {
    parentPort?.postMessage({ _tag: "failed", ticket, detail: messageOf(cause) } satisfies Reply, [])
  }
}

let last: Promise<void> = Promise.resolve()
parentPort?.on("message", (call: Call) => {
  last = last.then(() => answer(call))
})
parentPort?.postMessage({ _tag: "opened", version: ort.env.versions.node ?? "" } satisfies Reply, [])
