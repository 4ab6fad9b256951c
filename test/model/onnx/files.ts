/**
 * ONNX files shaped as those of published vision models are, with few weights: what a user may bring. Made with our own
 * writer, and rewritten where it cannot write what is needed.
 */
import { draw } from "../../../src/pipeline/draw.ts"
import { OnnxGraph } from "../../../src/model/onnx/OnnxGraph.ts"
import type { Dimension } from "../../../src/model/onnx/OnnxGraph.ts"
import type { Message } from "../../../src/model/onnx/protobuf.ts"
import { encode } from "../../../src/model/onnx/protobuf.ts"
import { fieldsOf, textIn } from "../../../src/model/onnx/readProtobuf.ts"

const random = draw("onnx files")
const numbers = (length: number) => Float32Array.from({ length }, () => random.between(-0.5, 0.5))
const indexes = (...values: ReadonlyArray<number>) => BigInt64Array.from(values, BigInt)

/** Channels of a token. */
export const width = 8
/** Pixels of a patch's side. */
const patch = 4

type Graph = OnnxGraph

/** Patches of NCHW images as tokens: (N, tokens, width). */
const tokens = (graph: Graph, images: string, cast?: number) => {
  const weights = (name: string, shape: ReadonlyArray<number>) => {
    const constant = graph.constant(name, shape, numbers(shape.reduce((a, b) => a * b, 1)))
    return cast === undefined ? constant : graph.node("Cast", name, [constant], { to: cast })
  }
  const kernel = { kernel_shape: [patch, patch], strides: [patch, patch] }
  const map = graph.node("Conv", "patches", [images, weights("embeddings.weight", [width, 3, patch, patch])], kernel)
  const flat = graph.node("Reshape", "patches", [map, graph.constant("flat", [3], indexes(0, width, -1))])
  const rows = graph.node("Transpose", "patches", [flat], { perm: [0, 2, 1] })
  return graph.node("MatMul", "mixed", [rows, weights("mixed.weight", [width, width])])
}

/** The first token, which is the same for all images before it is mixed with theirs. */
const withClass = (graph: Graph, rows: string) => {
  // A mean over the tokens, so that the first token depends on the image.
  const mean = graph.node("ReduceMean", "class", [rows], { axes: [1], keepdims: 1 })
  const token = graph.node("Add", "class", [mean, graph.constant("cls_token", [1, 1, width], numbers(width))])
  return graph.node("Concat", "tokens", [token, rows], { axis: 1 })
}

const pixels: ReadonlyArray<Dimension> = ["batch", "num_channels", "height", "width"]

/** DINOv2 as optimum exports it: a token for the class and one a patch, and nothing pooled. */
export const dinov2 = (dimensions = pixels): Uint8Array<ArrayBuffer> => {
  const graph = new OnnxGraph()
  const rows = withClass(graph, tokens(graph, graph.input("pixel_values", dimensions)))
  graph.output(rows, "last_hidden_state", ["batch", "sequence", width])
  return graph.encode("dinov2")
}

/** SigLIP's vision model: tokens without one for the class, and what an attention pools of them. */
export const siglip = (type: "float32" | "float16" = "float32"): Uint8Array<ArrayBuffer> => {
  const graph = new OnnxGraph()
  const rows = tokens(graph, graph.input("pixel_values", pixels, type), type === "float16" ? 10 : undefined)
  graph.output(rows, "last_hidden_state", ["batch", "sequence", width])
  const weights = graph.node("Softmax", "attention", [rows], { axis: 1 })
  const pooled = graph.node("ReduceMean", "attention", [graph.node("Mul", "attention", [weights, rows])], {
    axes: [1],
    keepdims: 0
  })
  graph.output(pooled, "pooler_output", ["batch", width])
  return graph.encode("siglip")
}

/** CLIP as a whole: images and texts go in, and come together in the end. */
export const clip = (): Uint8Array<ArrayBuffer> => {
  const graph = new OnnxGraph()
  const ids = graph.input("input_ids", ["text_batch", "sequence"], "float32")
  const rows = withClass(graph, tokens(graph, graph.input("pixel_values", pixels)))
  const first = graph.node("Gather", "image", [rows, graph.constant("first", [], indexes(0))], { axis: 1 })
  const image = graph.node("MatMul", "image", [
    first,
    graph.constant("visual_projection", [width, 6], numbers(width * 6))
  ])
  const word = graph.node("ReduceMean", "text", [ids], { axes: [1], keepdims: 1 })
  const text = graph.node("MatMul", "text", [word, graph.constant("text_projection", [1, 6], numbers(6))])
  const together = graph.node("MatMul", "logits", [image, graph.node("Transpose", "text", [text], { perm: [1, 0] })])
  graph.output(together, "logits_per_image", ["batch", "text_batch"])
  graph.output(text, "text_embeds", ["text_batch", 6])
  graph.output(image, "image_embeds", ["batch", 6])
  return graph.encode("clip")
}

/** A convolutional network of Keras: images are NHWC, and so is the map that comes out. */
export const keras = (dimensions: ReadonlyArray<Dimension> = ["N", 12, 20, 3]): Uint8Array<ArrayBuffer> => {
  const graph = new OnnxGraph()
  const images = graph.node("Transpose", "in", [graph.input("input_1", dimensions)], { perm: [0, 3, 1, 2] })
  const map = graph.node("Conv", "map", [images, graph.constant("kernel", [5, 3, 3, 3], numbers(135))])
  graph.output(graph.node("Transpose", "out", [graph.node("Relu", "map", [map])], { perm: [0, 2, 3, 1] }), "map", [
    "N",
    "h",
    "w",
    5
  ])
  return graph.encode("keras")
}

/** An int8 file as quantisation tools write it: values and weights as 8 bits, and back. */
export const quantised = (): Uint8Array<ArrayBuffer> => {
  const graph = new OnnxGraph()
  const eight = (value: string, scale: number) => {
    const step = graph.constant("scale", [], Float32Array.of(scale))
    return graph.node("DequantizeLinear", "int8", [graph.node("QuantizeLinear", "int8", [value, step]), step])
  }
  const images = graph.node("Relu", "in", [graph.input("pixel_values", pixels)])
  const weight = graph.node("Relu", "kernel", [graph.constant("kernel", [width, 3, 3, 3], numbers(width * 27))])
  const map = graph.node("Conv", "map", [eight(images, 0.01), eight(weight, 0.002)])
  graph.output(map, "features_map", ["batch", width, "h", "w"])
  return graph.encode("quantised")
}

/** A file whose values are scaled by the largest of a whole batch, as dynamic quantisation does. */
export const dependent = (): Uint8Array<ArrayBuffer> => {
  const graph = new OnnxGraph()
  const images = graph.input("pixel_values", pixels)
  const largest = graph.node("ReduceMax", "scale", [images], { keepdims: 0 })
  const scaled = graph.node("Div", "scale", [images, largest])
  graph.output(graph.node("GlobalAveragePool", "pool", [scaled]), "pooled", ["batch", 3, 1, 1])
  return graph.encode("dependent")
}

/** The file with the bytes of its large constants in another one. */
export const withDataBeside = (file: Uint8Array, beside: string) => {
  const data: Array<number> = []
  const entry = (key: string, value: string): Message => [
    [1, key],
    [2, value]
  ]
  const moved = (constant: Uint8Array): Message => {
    const fields = fieldsOf(constant)
    const raw = fields.find(({ number }) => number === 9)?.value
    const kept = fields.filter(({ number }) => number !== 9).map(({ number, value }) => [number, value] as const)
    if (raw === undefined || typeof raw === "number" || raw.length < 64 || textIn(fields, 8) === "")
      return [...kept, [9, raw ?? new Uint8Array()]]
    const offset = data.length
    data.push(...raw)
    return [
      ...kept,
      [13, entry("location", beside)],
      [13, entry("offset", String(offset))],
      [13, entry("length", String(raw.length))],
      [14, 1]
    ]
  }
  const bytes = encode(
    fieldsOf(file).map(({ number, value }) => {
      if (number !== 7 || typeof value === "number") return [number, value]
      return [
        number,
        fieldsOf(value).map((field): Message[number] =>
          field.number === 5 && typeof field.value !== "number" ? [5, moved(field.value)] : [field.number, field.value]
        )
      ]
    })
  )
  return { bytes, data: Uint8Array.from(data) }
}

/** What onnxruntime gives for an output of a whole file. */
export const outputOf = async (
  file: Uint8Array,
  feeds: Readonly<Record<string, { readonly data: Float32Array; readonly dims: ReadonlyArray<number> }>>,
  output: string
) => {
  const { InferenceSession, Tensor } = await import("onnxruntime-node")
  const session = await InferenceSession.create(file)
  const given = Object.entries(feeds).map(
    ([name, { data, dims }]) => [name, new Tensor("float32", data, dims)] as const
  )
  const { data, dims } = (await session.run(Object.fromEntries(given), [output]))[output]!
  await session.release()
  return { data: data as Float32Array, dims } // these files have float32 outputs
}
