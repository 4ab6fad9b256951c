import { Effect, Layer } from "effect"
import { manifest } from "../../machine/manifest.ts"
import { Features, FeaturesError } from "../../../model/Features.ts"
import type { OpenFeatures } from "../../../model/Features.ts"
import { weightsFault } from "../../../model/faults.ts"
import type { Frozen } from "../../../model/onnx/onnxModel.ts"
import { frozenParts } from "../../../model/onnx/onnxModel.ts"
import { sizeOf } from "../../../model/Tensor.ts"
import { amxName } from "./amxName.ts"
import { linesOf } from "./lines.ts"
import { loadAmx } from "./loadAmx.ts"
import { checkInputs, failedBy, onlyBy, processor } from "../featuresLayer.ts"
import { messageOf } from "../../../pipeline/messageOf.ts"
import { processorThreads } from "../../machine/processorThreads.ts"

const engine = "amx"
const failed = failedBy(engine)

const open = Effect.fn("AmxFeatures.open")(function* (frozen: Frozen, load: typeof loadAmx) {
  if (frozen.blocks.some(({ _tag }) => _tag === "Onnx"))
    return yield* new FeaturesError({ engine, reason: "unavailable", detail: "it runs no ONNX files. Use onnxruntime" })
  const addon = yield* load
  const { lines, shape } = yield* Effect.try({
    try: () => {
      const { parameters, shape } = frozenParts(frozen)
      const fault = weightsFault(parameters, frozen.weights)
      if (fault !== undefined) throw new Error(fault)
      return { lines: linesOf(frozen), shape }
    },
    catch: (cause) => new FeaturesError({ engine, reason: "misfit", detail: messageOf(cause), cause })
  })
  if (lines === undefined)
    return yield* new FeaturesError({
      engine,
      reason: "unavailable",
      detail:
        "a kernel is too large for it, it has no such block, or the network's heads have hidden layers. Use onnxruntime"
    })
  let program: object | undefined = yield* Effect.acquireRelease(
    Effect.try({ try: () => addon.open(lines.numbers, lines.weights, processorThreads()), catch: failed }),
    (opened) =>
      Effect.sync(() => {
        program = undefined
        addon.close(opened)
      })
  )

  const run = Effect.fnUntraced(function* (images: Float32Array, size: number) {
    const opened = program
    if (opened === undefined)
      return yield* new FeaturesError({ engine, reason: "failed", detail: "the session is closed" })
    yield* checkInputs(engine, frozen.input, images, size)
    const results = new Float32Array(size * sizeOf(shape))
    return yield* Effect.tryPromise({ try: () => addon.run(opened, images, size, results), catch: failed })
  })
  const key = `${engine} ${manifest.version}, ${amxName()}, float32, ${processor()}`
  return { engine, shape, key, run } satisfies OpenFeatures
})

/** `layer` with another addon, for tests. */
export const layerWith = (load: typeof loadAmx) =>
  Layer.succeed(
    Features,
    onlyBy(engine, (frozen) => open(frozen, load))
  )

/**
 * Features by the processor's matrix unit (AMX), on as many threads as it has cores: float32 out of parts in bfloat16,
 * whose products are added in float32; within 1e-4 of what the engines give, and the same bits for any batch and any
 * number of threads.
 */
export const layer = layerWith(loadAmx)
