import type { Architecture } from "../Architecture.ts"
import { blockOf } from "../onnx/backbone.ts"
import { headedEnd } from "./heads.ts"

/** Until a file was examined: a network of the right blocks, whose sizes are not known. */
const unknown = { sha256: "", features: 1, rank: 2 }

/**
 * Any ONNX file as the frozen part, and a head that is trained. The file is `network.weights`; images are of whatever size
 * it takes.
 */
export const onnx: Architecture<"onnx"> = {
  name: "onnx",
  build: (options) => {
    const { backbone = unknown, height, width } = options
    const end = headedEnd(options, "head")
    return { name: "onnx", height, width, ...end.logits, blocks: [blockOf(backbone), ...end.blocks] }
  },
  classifier: "head",
  hasHeads: true,
  hasPadding: false
}
