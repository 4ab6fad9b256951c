import type { ReadRequest, ReadResult } from "../../model/export/ExportReaders.ts"

/** What this process answers. */
export type ChildReply = ReadResult | { readonly _tag: "Failed"; readonly detail: string }

/** Loaded when it is asked for: each has its own native code. */
const readers: Readonly<
  Record<ReadRequest["format"], () => Promise<{ readonly read: (request: ReadRequest) => Promise<ReadResult> }>>
> = {
  onnx: () => import("./onnx.ts"),
  tfjs: () => import("./tfjs.ts"),
  "saved-model": () => import("./savedModel.ts")
}

const answer = async (request: ReadRequest): Promise<ChildReply> => {
  try {
    const { read } = await readers[request.format]()
    return await read(request)
  } catch (cause) {
    return { _tag: "Failed", detail: cause instanceof Error ? cause.message : String(cause) }
  }
}

// What `ProcessExportReaders` starts: one request, one answer, and the end.
process.once("message", (request: ReadRequest) => {
  void answer(request).then((reply) => process.send?.(reply, () => process.disconnect()))
})
