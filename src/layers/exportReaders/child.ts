import type { ReadRequest, ReadResult } from "../../model/export/ExportReaders.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { bringing, isMissing } from "../machine/optionalPackages.ts"
import { readers } from "./readers.ts"

/** The answer of this process. */
export type ChildReply = ReadResult | { readonly _tag: "Failed"; readonly detail: string }

const answer = async (request: ReadRequest): Promise<ChildReply> => {
  const { library, load, needs } = readers[request.format]
  try {
    const { read } = await load()
    return await read(request)
  } catch (cause) {
    if (needs !== undefined && isMissing(cause))
      return {
        _tag: "NoReader",
        reason: `${library} is not installed. Install it (${bringing([needs])}), and export again`
      }
    return { _tag: "Failed", detail: messageOf(cause) }
  }
}

// `ProcessExportReaders` starts this file: one request, one answer, then it ends.
process.once("message", (request: ReadRequest) => {
  void answer(request).then((reply) => process.send?.(reply, () => process.disconnect()))
})
