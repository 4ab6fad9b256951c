import { rowsOf } from "../metrics/rowsOf.ts"
import { Effect, Layer } from "effect"
import { Engine } from "./Engine.ts"
import type { EngineError } from "./Engine.ts"
import { Features, FeaturesError, notExamined } from "./Features.ts"
import type { OpenFeatures } from "./Features.ts"
import { inferenceOptions } from "./Model.ts"
import type { Frozen } from "./onnx/onnxModel.ts"
import { frozenParts } from "./onnx/onnxModel.ts"
import type { Shape } from "./shapes.ts"
import { sizeOf } from "./Tensor.ts"
import { messageOf } from "../pipeline/messageOf.ts"

/** Rows in PyTorch's order (channel, row, column) as NHWC. */
const channelsLast = (rows: Float32Array, [height, width, channels]: Extract<Shape, { length: 3 }>) => {
  const pixels = height * width
  const images = new Float32Array(rows.length)
  for (const [at, plane] of rowsOf(rows, pixels).entries()) {
    const c = at % channels
    let to = (at - c) * pixels + c
    for (const value of plane) {
      images[to] = value
      to += channels
    }
  }
  return images
}

const open = Effect.fn("EngineFeatures.open")(function* (engine: Engine["Service"], frozen: Frozen) {
  const { name, versions } = engine.info
  const fail = (reason: FeaturesError["reason"], detail: string, cause?: unknown) =>
    new FeaturesError({ engine: name, reason, detail, cause })
  const failed = (error: EngineError) =>
    fail(error.reason === "outOfMemory" ? "outOfMemory" : "failed", error.detail, error)
  const { blocks, input, weights } = frozen
  if (blocks.some(({ _tag }) => _tag === "Onnx"))
    return yield* fail("unavailable", 'an ONNX file is applied by onnxruntime alone: set `features.engine` to "auto"')
  const { shape } = yield* Effect.try({
    try: () => frozenParts(frozen),
    catch: (cause) => fail("misfit", messageOf(cause), cause)
  })
  if (input.length !== 3) return yield* fail("misfit", "it takes images, and the input is flat")
  const [height, width, channels] = input
  // An engine gives rows, so that image-shaped features come out flat, in PyTorch's order, and are reordered here.
  const flat = shape.length === 1 ? blocks : [...blocks, { _tag: "Flatten" } as const]
  const network = { name: "features", height, width, channels, classes: sizeOf(shape), blocks: flat }
  const image = { height, width } as const
  const session = yield* Effect.mapError(engine.open(inferenceOptions({ network, weights })), failed)
  const run = Effect.fnUntraced(function* (images: Float32Array, size: number) {
    const rows = yield* Effect.mapError(
      session.predict({ index: 0, images, labels: new Int32Array(size), ids: [], size, ...image }),
      failed
    )
    return shape.length === 3 ? channelsLast(rows, shape) : rows
  })
  const key = `${name} ${Object.entries(versions).flat().join(" ")}, float32, ${engine.info.device}`
  return { engine: name, shape, key, run } satisfies OpenFeatures
})

/** Features by the engine that trains. */
export const layer = Layer.effect(
  Features,
  Effect.map(Engine, (engine) => ({
    open: (frozen: Frozen) => open(engine, frozen),
    examine: () => Effect.fail(notExamined(engine.info.name))
  }))
)
