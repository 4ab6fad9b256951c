/**
 * The frozen part of a network by onnxruntime, on the processor.
 *
 * Its threads wait for work in a loop for 20 microseconds, and then sleep. onnxruntime's default is to wait in a loop
 * for long. On an idle machine that is a fifth quicker than sleeping at once; beside two busy processes it is a third
 * slower, because a waiting thread takes the processor from a working one. A machine that serves or searches is never
 * idle. 20 microseconds avoid both costs: the gaps between two layers are shorter than that, other processes' time
 * slices much longer. Measured in `bench/RESULTS.md` ("onnxruntime's waiting threads"), by `bench/ways/spinning.ts`.
 */
import { Effect, Layer } from "effect"
import type { InferenceSession, Tensor } from "onnxruntime-node"
import { Features, FeaturesError } from "../../model/Features.ts"
import type { OpenFeatures } from "../../model/Features.ts"
import type { Frozen } from "../../model/onnx/onnxModel.ts"
import { frozenParts, inputName, onnxModel, outputName } from "../../model/onnx/onnxModel.ts"
import { sizeOf } from "../../model/Tensor.ts"
import { checkInputs, failedBy, onlyBy, processor } from "./featuresLayer.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { bringing, isMissing } from "../machine/optionalPackages.ts"
import { processorThreads } from "../machine/processorThreads.ts"

const engine = "onnxruntime"
const failed = failedBy(engine)

/** Loaded when it is first needed: 46 MB of native code, which not every platform has. */
const load = Effect.tryPromise({
  try: () => import("onnxruntime-node"),
  catch: (cause) =>
    new FeaturesError({
      engine,
      reason: "unavailable",
      detail: isMissing(cause)
        ? `onnxruntime-node is not installed. Install it: ${bringing(["onnxruntime-node"])}`
        : `onnxruntime-node does not load here (${messageOf(cause)}). Use Linux, Windows or macOS on ARM, and install it again: ${bringing(["onnxruntime-node"])}`,
      cause
    })
})

/** How a session computes; the results of one image depend on none of it. */
export interface OnnxSettings {
  readonly threads: number
  readonly optimization: NonNullable<InferenceSession.SessionOptions["graphOptimizationLevel"]>
  /**
   * Most images of one call of onnxruntime; a larger batch takes several calls. Undefined: as many as are quickest
   * (`imagesAtOnce`).
   */
  readonly images: number | undefined
  /** Microseconds that a thread without work waits in a loop before it sleeps; see this file's head. */
  readonly spinning: number
}

const defaults = (): OnnxSettings => ({
  threads: processorThreads(),
  optimization: "all",
  spinning: 20,
  images: undefined
})

/**
 * How many images at once are quickest: of convolutions one a thread, whose values between two layers then stay in the
 * processor's cache (MobileNetV2: a sixth faster than 32 at once); with a linear layer among the blocks the whole
 * batch, because its weights are read once a call.
 */
const imagesAtOnce = ({ blocks }: Frozen, threads: number) =>
  blocks.some(({ _tag }) => _tag === "Dense") ? Number.POSITIVE_INFINITY : Math.max(2, threads)

/** Source: onnxruntime_session_options_config_keys.h, `session.intra_op.spin_duration_us`. */
const waiting = (microseconds: number) => ({
  allow_spinning: microseconds > 0 ? "1" : "0",
  ...(Number.isFinite(microseconds) && microseconds > 0 && { spin_duration_us: String(microseconds) })
})

const open = Effect.fn("OnnxFeatures.open")(function* (frozen: Frozen, settings: OnnxSettings) {
  const ort = yield* load
  const { model, shape } = yield* Effect.try({
    try: () => ({ model: onnxModel(frozen), shape: frozenParts(frozen).shape }),
    catch: (cause) => new FeaturesError({ engine, reason: "misfit", detail: messageOf(cause), cause })
  })
  const options: InferenceSession.SessionOptions = {
    executionProviders: ["cpu"],
    graphOptimizationLevel: settings.optimization,
    intraOpNumThreads: settings.threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    extra: { session: { intra_op: waiting(settings.spinning) } }
  }
  let session: InferenceSession | undefined = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => ort.InferenceSession.create(model, options), catch: failed }),
    (session) => Effect.promise(() => session.release())
  )
  yield* Effect.addFinalizer(() => Effect.sync(() => (session = undefined)))

  const length = sizeOf(frozen.input)
  const width = sizeOf(shape)
  const most = settings.images ?? imagesAtOnce(frozen, settings.threads)
  const run = Effect.fnUntraced(function* (images: Float32Array, size: number) {
    const opened = session
    if (opened === undefined)
      return yield* new FeaturesError({ engine, reason: "failed", detail: "the session is closed" })
    yield* checkInputs(engine, frozen.input, images, size)
    const features = new Float32Array(size * width)
    for (let from = 0; from < size; from += most) {
      const count = Math.min(most, size - from)
      const part = images.subarray(from * length, (from + count) * length)
      const results = yield* Effect.tryPromise({
        try: () => opened.run({ [inputName]: new ort.Tensor("float32", part, [count, ...frozen.input]) }),
        catch: failed
      })
      const tensor: Tensor = results[outputName]! // the model's only output
      features.set(tensor.data as Float32Array, from * width) // declared as float32 in the model
      tensor.dispose()
      // It blocks this thread: without a pause, no signal would be handled between two calls.
      yield* Effect.yieldNow
    }
    return features
  })
  return {
    engine,
    shape,
    key: `${engine} ${ort.env.versions.node}, float32, ${processor()}`,
    run
  } satisfies OpenFeatures
})

/** Features by onnxruntime on the CPU, with given settings. */
export const layerWith = (settings: Partial<OnnxSettings>) =>
  Layer.succeed(
    Features,
    onlyBy(engine, (frozen) => open(frozen, { ...defaults(), ...settings }))
  )

/** Features by onnxruntime on the CPU, with a thread for each core. */
export const layer = layerWith({})
