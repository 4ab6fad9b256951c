/** An ONNX file as the frozen part of a network: which part of it, and how its result becomes one row an image. */
import { Schema } from "effect"
import { intBetween, optionalSetting, required } from "../../config/Setting.ts"
import type { Onnx } from "../Block.ts"
import type { OnnxFile, OnnxValue } from "./OnnxFile.ts"
import { hasValue, partOf } from "./OnnxFile.ts"
import { elementTypes, OnnxGraph } from "./OnnxGraph.ts"

/** How a file's result becomes one row an image. */
export const Pool = Schema.Literals(["none", "mean", "cls"])
export type Pool = typeof Pool.Type

export const Layout = Schema.Literals(["NCHW", "NHWC"])
export type Layout = typeof Layout.Type

/** What is known of a file once it was run on an image. */
export const BackboneFacts = Schema.Struct({
  sha256: required(
    Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/, { expected: "a SHA-256 in hexadecimal digits" })),
    "SHA-256 of the part of the file that is used, as it is kept in the run's folder"
  ),
  features: required(intBetween(1, 2 ** 24), "Numbers of an image that it gives"),
  rank: required(intBetween(2, 4), "Axes of its output before it is pooled, the batch among them"),
  batch: optionalSetting(
    intBetween(1, 4096),
    "Images that it takes at once, no more and no fewer; any number where left out"
  )
})
export type BackboneFacts = typeof BackboneFacts.Type

/** The keys of `network` that an ONNX file needs. */
export const backboneSettings = {
  output: optionalSetting(
    Schema.NonEmptyString,
    "onnx: the value of the file that gives the features, an output or any value before it. Where left out, the only output, or one of a usual name"
  ),
  pool: optionalSetting(
    Pool,
    "onnx: how the output becomes one row an image: the `mean` over an image's pixels or tokens, `cls`, the first token, or `none`, all its numbers. Where left out, `none` for rows and `mean` for images"
  ),
  layout: optionalSetting(
    Layout,
    "onnx: the order of the input's axes. Where left out, as the file has its three channels"
  ),
  backbone: optionalSetting(
    BackboneFacts,
    "onnx: what Weft found in the file, as a run's config.json has it. Nothing needs to be set; with it, another file is refused"
  )
}

/** What a configuration says of a file. */
export interface BackboneWishes {
  readonly output?: string | undefined
  readonly pool?: Pool | undefined
  readonly layout?: Layout | undefined
  /** Of the images. */
  readonly height: number
  readonly width: number
}

/** Which part of a file, complete. */
export interface BackbonePlan {
  /** The names of the image and of the result in the file. */
  readonly input: string
  readonly output: string
  readonly layout: Layout
  readonly type: "float32" | "float16" | "uint8"
  readonly height: number
  readonly width: number
  /** Images at once; null for any number. */
  readonly batch: number | null
}

/** How the result of a plan is pooled. */
export interface Pooling {
  readonly pool: Pool
  readonly rank: number
  readonly features: number
}

/** A file that was examined: the block for a network, and the file's part that gives the features. */
export interface Backbone {
  readonly facts: BackboneFacts
  readonly output: string
  readonly pool: Pool
  readonly layout: Layout
  /** Whether it takes the bytes of an image, and not normalised numbers. */
  readonly takesBytes: boolean
  /** Why images go through it one by one, where it would take several. */
  readonly alone: string | undefined
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** The names of a backbone's own input and output. */
export const backboneInput = "backbone/images"
export const backboneOutput = "backbone/features"

const shapeText = ({ name, shape, type }: OnnxValue): string =>
  `${name} (${type}${shape === undefined ? "" : ` ${shape.join(" x ")}`})`

const listed = (values: ReadonlyArray<OnnxValue>): string => values.map(shapeText).join(", ") || "none"

/** The inputs and outputs of a file, for people. */
export const signatureText = ({ inputs, outputs }: Pick<OnnxFile, "inputs" | "outputs">): string =>
  `Its inputs: ${listed(inputs)}. Its outputs: ${listed(outputs)}.`

/** Outputs by their usual names, the better first. Source: what optimum, open_clip and timm export. */
const usualOutputs = ["image_embeds", "image_features", "pooler_output", "embeddings", "features"]

/** The key of our own exports' metadata with the value that goes into the head. */
export const featuresKey = "features"

const outputFor = (file: OnnxFile, { output }: BackboneWishes): string => {
  if (output !== undefined) {
    if (hasValue(file, output)) return output
    throw new Error(`\`network.output\`: it has no value "${output}". ${signatureText(file)}`)
  }
  const own = file.metadata[featuresKey]
  if (own !== undefined && hasValue(file, own)) return own
  const names = file.outputs.map(({ name }) => name)
  const [only] = names
  if (names.length === 1 && only !== undefined) return only
  const usual = usualOutputs.find((name) => names.includes(name))
  if (usual !== undefined) return usual
  throw new Error(`it has several outputs: set \`network.output\` to one of them. ${signatureText(file)}`)
}

const isType = Schema.is(Schema.Literals(["float32", "float16", "uint8"]))

/** The order of an input's axes by where the channels are, which their number or their name shows. */
export const layoutOf = ({ shape }: OnnxValue): Layout | undefined => {
  const isChannels = (dimension: number | string | undefined) => dimension === 3 || /channel/i.test(String(dimension))
  if (isChannels(shape?.[1])) return "NCHW"
  return isChannels(shape?.[3]) ? "NHWC" : undefined
}

/**
 * The part of a file that gives the features, by its declarations and a configuration. Throws an Error that lists the
 * file's inputs and outputs where it cannot be.
 */
export const planBackbone = (file: OnnxFile, wishes: BackboneWishes): BackbonePlan => {
  const output = outputFor(file, wishes)
  const needed = partOf(file, output, "").inputs
  const [input, ...others] = needed
  if (input === undefined) throw new Error(`"${output}" is the same for every image. ${signatureText(file)}`)
  if (others.length > 0)
    throw new Error(
      `"${output}" needs ${needed.map(({ name }) => name).join(" and ")}, and only images are there: ` +
        `set \`network.output\` to a value that images alone are enough for. ${signatureText(file)}`
    )
  const { shape, type } = input
  if (!isType(type))
    throw new Error(
      `its input is of ${type}; images are given as float32, float16 or uint8 numbers. ${signatureText(file)}`
    )
  if (shape !== undefined && shape.length !== 4)
    throw new Error(
      `its input has ${shape.length} axes; images have four (batch, channels, height, width). ${signatureText(file)}`
    )
  const layout = wishes.layout ?? layoutOf(input)
  if (layout === undefined)
    throw new Error(
      `its input does not show which axis has the three channels: set \`network.layout\` to "NCHW" or "NHWC". ${signatureText(file)}`
    )
  const [batch, ...rest] = shape ?? []
  const [channels, height, width] = layout === "NCHW" ? rest : [rest[2], rest[0], rest[1]]
  if (typeof channels === "number" && channels !== 3)
    throw new Error(`its input has ${channels} channels as ${layout}; photos have 3. ${signatureText(file)}`)
  const isOther = (there: number | string | undefined, wanted: number) => typeof there === "number" && there !== wanted
  if (isOther(height, wishes.height) || isOther(width, wishes.width))
    throw new Error(
      `it takes images of ${height} x ${width} pixels, and \`image\` makes ${wishes.height} x ${wishes.width}: ` +
        `set \`image.height\` to ${height} and \`image.width\` to ${width}`
    )
  return {
    input: input.name,
    output,
    layout,
    type,
    height: wishes.height,
    width: wishes.width,
    batch: typeof batch === "number" && batch > 0 ? batch : null
  }
}

/** A graph that begins with images as engines give them, (batch, 3, height, width), and the plan's result in float32. */
const begun = (file: OnnxFile, { batch, height, layout, output, type, width }: BackbonePlan) => {
  const graph = new OnnxGraph()
  const prefix = "onnx/"
  const images = graph.input(backboneInput, [batch ?? "N", 3, height, width])
  const add = (operator: string, from: string, attributes: Parameters<OnnxGraph["node"]>[3], ...more: Array<string>) =>
    graph.node(operator, "backbone", [from, ...more], attributes)
  const cast = (from: string, to: keyof typeof elementTypes) => add("Cast", from, { to: elementTypes[to] })
  const ordered = layout === "NHWC" ? add("Transpose", images, { perm: [0, 2, 3, 1] }) : images
  // Casting cuts off what is behind the point.
  const whole = () => add("Add", ordered, {}, graph.constant("backbone/half", [], Float32Array.of(0.5)))
  graph.embed(
    partOf(file, output, prefix),
    type === "float32" ? ordered : cast(type === "uint8" ? whole() : ordered, type)
  )
  return { graph, add, result: cast(prefix + output, "float32") }
}

/** The plan's result as it is: to see its shape. */
export const bareBackbone = (file: OnnxFile, plan: BackbonePlan): Uint8Array<ArrayBuffer> => {
  const { graph, result } = begun(file, plan)
  graph.output(result, backboneOutput, undefined)
  return graph.encode("backbone")
}

const ownKey = "weft.backbone"

/** Whether a file is a backbone already, for images of this size: a run's own. */
const isOwn = ({ inputs, metadata }: OnnxFile, { batch, height, input, output, width }: BackbonePlan): boolean =>
  metadata[ownKey] !== undefined &&
  input === backboneInput &&
  output === backboneOutput &&
  inputs[0]?.shape?.join() === [batch ?? "N", 3, height, width].join()

/**
 * The part of a file as an ONNX model of its own (its bytes): `backbone/images` (batch, 3, height, width) in, normalised
 * or from 0 to 255 as the file wants them, `backbone/features` (batch, features) out, both float32.
 */
export const backboneModel = (
  file: OnnxFile,
  plan: BackbonePlan,
  { features, pool, rank }: Pooling
): Uint8Array<ArrayBuffer> => {
  if (isOwn(file, plan)) return new Uint8Array(file.bytes)
  const { add, graph, result } = begun(file, plan)
  const means = (from: string) => add("Flatten", add("GlobalAveragePool", from, {}), { axis: 1 })
  const first = () => add("Gather", result, { axis: 1 }, graph.constant("backbone/first", [], BigInt64Array.of(0n)))
  const tokensLast = rank === 3 ? [0, 2, 1] : [0, 3, 1, 2]
  const pooled = {
    none: () => (rank === 2 ? result : add("Flatten", result, { axis: 1 })),
    cls: first,
    mean: () =>
      rank === 2
        ? result
        : means(rank === 3 || plan.layout === "NHWC" ? add("Transpose", result, { perm: tokensLast }) : result)
  }
  graph.output(pooled[pool](), backboneOutput, [plan.batch ?? "N", features])
  return graph.encode("backbone", { [ownKey]: JSON.stringify({ output: plan.output, pool, layout: plan.layout }) })
}

/** How a result of this shape, the batch among it, becomes a row an image; throws an Error that says what to set. */
export const poolingFor = (
  shape: ReadonlyArray<number>,
  { pool }: BackboneWishes,
  { layout, output }: BackbonePlan
): Pooling => {
  const [, ...each] = shape
  const rank = shape.length
  if (rank < 2 || rank > 4)
    throw new Error(`"${output}" is ${shape.join(" x ")}: features have 2, 3 or 4 axes, the batch among them`)
  if (rank === 3 && pool === undefined)
    throw new Error(
      `"${output}" has ${each.join(" x ")} numbers an image, a row for each token: set \`network.pool\` to "cls" (the first ` +
        'token, as of DINOv2 and CLIP) or "mean" (of all, as of networks without such a token)'
    )
  if (rank === 4 && pool === "cls")
    throw new Error(
      `"${output}" is an image of ${each.join(" x ")}, which has no first token: set \`network.pool\` to "mean"`
    )
  const chosen = pool ?? (rank === 2 ? "none" : "mean")
  const size = each.reduce((product, length) => product * length, 1)
  const last = layout === "NCHW" && rank === 4 ? each[0] : each.at(-1)
  return { rank, pool: chosen, features: chosen === "none" || rank === 2 ? size : (last ?? size) }
}

/** The block of a network. */
export const blockOf = ({ batch, features, sha256 }: BackboneFacts): typeof Onnx.Type => ({
  _tag: "Onnx",
  sha256,
  features,
  batch: batch ?? null
})
