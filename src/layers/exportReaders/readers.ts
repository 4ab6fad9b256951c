import type { ReadRequest, ReadResult } from "../../model/export/ExportReaders.ts"
import type { GraphFormatName } from "../../model/export/formats.ts"
import type { OptionalPackage } from "../machine/optionalPackages.ts"

/** What loads the exports of one format again. */
export interface ExportReader {
  /** The library, for messages; a reader that has run gives the version too. */
  readonly library: string
  /** The optional package that it needs. */
  readonly needs?: OptionalPackage
  /** Imported when it is needed: each reader loads native code of its own. */
  readonly load: () => Promise<{ readonly read: (request: ReadRequest) => Promise<ReadResult> }>
}

/** The readers by their formats: a new format that is a graph is one file and one line here. */
export const readers: { readonly [Name in GraphFormatName]: ExportReader } = {
  onnx: { library: "onnxruntime-node", needs: "onnxruntime-node", load: () => import("./onnx.ts") },
  tfjs: { library: "@tensorflow/tfjs-converter", needs: "@tensorflow/tfjs-converter", load: () => import("./tfjs.ts") },
  "saved-model": { library: "TensorFlow", load: () => import("./savedModel.ts") }
}
