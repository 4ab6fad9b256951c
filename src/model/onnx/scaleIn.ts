import { Option, Schema } from "effect"
import type { Metadata } from "../Pretrained.ts"
import { kernelNamed } from "../../pipeline/resizeKernel.ts"
import { layoutOf } from "./backbone.ts"
import type { OnnxFile } from "./OnnxFile.ts"

const Numbers = Schema.Array(Schema.Finite)

/** What a Weft export says of its images. */
const OwnPreprocessing = Schema.fromJsonString(
  Schema.Struct({ mean: Numbers, std: Numbers, kernel: Schema.optionalKey(Schema.Unknown) })
)

/** Of a file that takes bytes, whose own operators normalise them: each number is the byte itself. */
const ofBytes: Metadata = { mean: "0,0,0", std: Array.from({ length: 3 }, () => 1 / 255).join() }

const scaleOf = ({ inputs, metadata }: OnnxFile): Metadata => {
  const own = Option.getOrUndefined(Schema.decodeUnknownOption(OwnPreprocessing)(metadata["preprocessing"]))
  const kernel = kernelNamed(own?.kernel)
  const resizing: Metadata = kernel === undefined ? {} : { kernel }
  if (inputs.length === 1 && inputs[0]?.type === "uint8") return { ...ofBytes, ...resizing }
  if (own !== undefined) return { mean: own.mean.join(), std: own.std.join(), ...resizing }
  const { mean, std } = metadata
  return { ...(mean !== undefined && { mean }), ...(std !== undefined && { std }) }
}

/** The size of the only input that is like images, where it takes no other. */
const sizeOf = ({ inputs }: OnnxFile): Metadata => {
  const images = inputs.filter(({ shape }) => shape?.length === 4)
  const [input] = images
  if (input === undefined || images.length > 1) return {}
  const [, first, second, third] = input.shape ?? []
  const [height, width] = layoutOf(input) === "NHWC" ? [first, second] : [second, third]
  return typeof height === "number" && typeof width === "number" && height > 0 && width > 0
    ? { height: String(height), width: String(width) }
    : {}
}

/**
 * What a file states of its images: mean, std, the kernel of resizing, and the only size that it takes; what it does not
 * state is left out.
 */
export const scaleIn = (file: OnnxFile): Metadata => ({ ...scaleOf(file), ...sizeOf(file) })
