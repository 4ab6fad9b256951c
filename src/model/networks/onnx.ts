import type { Architecture } from "../Architecture.ts"
import { blockOf } from "../onnx/backbone.ts"
import { head } from "./heads.ts"

/** Until a file was examined: a network of the right blocks, whose sizes are not known. */
const unknown = { sha256: "", features: 1, rank: 2 }

/**
 * Any ONNX file as the frozen part, and a head that is trained. The file is `network.weights`; images are of whatever size
 * it takes.
 */
export const onnx: Architecture<"onnx"> = {
  name: "onnx",
  build: ({ backbone = unknown, classes, head: kind = "fc", height, width }) => ({
    name: "onnx",
    height,
    width,
    classes,
    blocks: [blockOf(backbone), ...head(kind, "head", classes)]
  }),
  classifier: "head",
  hasHeads: true,
  hasPadding: false
}
