import type { ReadRequest, ReadResult } from "../../model/export/ExportReaders.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { readers } from "./readers.ts"

/** The answer of this process. */
export type ChildReply = ReadResult | { readonly _tag: "Failed"; readonly detail: string }

const answer = async (request: ReadRequest): Promise<ChildReply> => {
  try {
    const { read } = await readers[request.format].load()
    return await read(request)
  } catch (cause) {
    return { _tag: "Failed", detail: messageOf(cause) }
  }
}

// `ProcessExportReaders` starts this file: one request, one answer, then it ends.
process.once("message", (request: ReadRequest) => {
  void answer(request).then((reply) => process.send?.(reply, () => process.disconnect()))
})
