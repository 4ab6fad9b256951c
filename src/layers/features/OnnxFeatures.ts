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
import { haveTiles } from "../../model/onnx/winograd.ts"
import { sizeOf } from "../../model/Tensor.ts"
import { checkInputs, failedBy, onlyBy, processor } from "./featuresLayer.ts"
import type { Backbone, BackbonePlan, BackboneWishes } from "../../model/onnx/backbone.ts"
import { backboneInput, backboneModel, backboneOutput, bareBackbone } from "../../model/onnx/backbone.ts"
import { planBackbone, poolingFor, signatureText } from "../../model/onnx/backbone.ts"
import type { OnnxFile } from "../../model/onnx/OnnxFile.ts"
import { readOnnx } from "../../model/onnx/OnnxFile.ts"
import { draw } from "../../pipeline/draw.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { sha256 } from "../../pipeline/sha256.ts"
import { processorThreads } from "../machine/processorThreads.ts"
import { loadOnnxruntime } from "./loadOnnxruntime.ts"
import { openThreads } from "./threads/OnnxThreads.ts"

const engine = "onnxruntime"
const failed = failedBy(engine)

const load = Effect.mapError(
  loadOnnxruntime,
  ({ cause, detail }) => new FeaturesError({ engine, reason: "unavailable", detail, cause })
)

/** How a session computes; of it all, the results of one image depend on `inTiles` alone. */
export interface OnnxSettings {
  readonly threads: number
  readonly optimization: NonNullable<InferenceSession.SessionOptions["graphOptimizationLevel"]>
  /**
   * Most images of one call of onnxruntime; a larger batch takes several calls. Undefined: as many as are quickest
   * (`imagesAtOnce`).
   */
  readonly images: number | undefined
  /**
   * Undefined: calls block the caller's thread, and use `threads`. `apart`: sessions in threads of their own, one for each
   * of `threads`, four at most, which divide them; for servers, whose thread has other work.
   */
  readonly place: "apart" | undefined
  /** Microseconds that a thread without work waits in a loop before it sleeps; see this file's head. */
  readonly spinning: number
  /** Whether convolutions that are faster in tiles are computed so (`winograd.ts`). Measured on x64 alone. */
  readonly inTiles: boolean
}

const defaults = (): OnnxSettings => ({
  threads: processorThreads(),
  optimization: "all",
  spinning: 20,
  images: undefined,
  place: undefined,
  inTiles: process.arch === "x64"
})

/** Sessions in threads of their own: each has the weights once more, so that large models have one alone. */
const sessionsOf = (model: Uint8Array, threads: number): number =>
  model.byteLength > 128 * 2 ** 20 ? 1 : Math.min(4, threads)

/**
 * How many images at once are quickest: of convolutions one a thread, whose values between two layers then stay in the
 * processor's cache (MobileNetV2: a sixth faster than 32 at once); with a linear layer among the blocks the whole
 * batch, because its weights are read once a call, but 16 where convolutions are computed in tiles, which take more
 * memory (VGG16 at 224x224: a quarter faster than 32). A session of one thread that is apart takes four: 5 % less
 * processor time than one, two or eight at once, and half the messages of two (`bench/RESULTS.md`, "`weft serve` beside
 * FastAPI").
 */
const imagesAtOnce = ({ blocks }: Frozen, { inTiles, place, threads }: OnnxSettings) =>
  blocks.some(({ _tag }) => _tag === "Dense")
    ? inTiles
      ? 16
      : Number.POSITIVE_INFINITY
    : place === "apart"
      ? Math.max(4, threads)
      : Math.max(2, threads)

/** Source: onnxruntime_session_options_config_keys.h, `session.intra_op.spin_duration_us`. */
const waiting = (microseconds: number) => ({
  allow_spinning: microseconds > 0 ? "1" : "0",
  ...(Number.isFinite(microseconds) && microseconds > 0 && { spin_duration_us: String(microseconds) })
})

const optionsOf = (settings: OnnxSettings): InferenceSession.SessionOptions => ({
  executionProviders: ["cpu"],
  graphOptimizationLevel: settings.optimization,
  intraOpNumThreads: settings.threads,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
  extra: { session: { intra_op: waiting(settings.spinning) } }
})

const misfit = (cause: unknown) => new FeaturesError({ engine, reason: "misfit", detail: messageOf(cause), cause })

/**
 * Two images of noise, the second of far more contrast: where a file scales by the extremes of a batch, the features of
 * the first depend on whether it is alone.
 */
const trialImages = ({ height, type, width }: BackbonePlan) => {
  const random = draw("backbone")
  const [middle, spread] = type === "uint8" ? [127, 127] : [0, 4]
  const length = 3 * height * width
  return Float32Array.from({ length: 2 * length }, (_, i) => {
    const most = i < length ? spread / 8 : spread
    return random.between(middle - most, middle + most)
  })
}

/** The largest difference between two results, in shares of the larger one's largest number. */
const apart = (one: Float32Array, other: Float32Array): number => {
  const largest = one.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6)
  return one.reduce((most, value, i) => Math.max(most, Math.abs(value - (other[i] ?? NaN))), 0) / largest
}

/** An image's features may depend this much on the batch that it is in: float32 sums in another order. */
const mostApart = 1e-3

/** Runs the part of a file that gives the features on two images, and finds out how it takes them. */
const tried = Effect.fnUntraced(function* (file: OnnxFile, plan: BackbonePlan, settings: OnnxSettings) {
  const ort = yield* load
  const doesNotRun = (cause: unknown) =>
    misfit(new Error(`onnxruntime does not run it: ${messageOf(cause)}. ${signatureText(file)}`, { cause }))
  const session = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => ort.InferenceSession.create(bareBackbone(file, plan), optionsOf(settings)),
      catch: doesNotRun
    }),
    (session) => Effect.promise(() => session.release())
  )
  const images = trialImages(plan)
  const length = images.length / 2
  const run = (from: number, count: number) =>
    Effect.tryPromise({
      try: async () => {
        const dims = [count, 3, plan.height, plan.width]
        const given = new Float32Array(count * length)
        given.set(images.subarray(from * length, (from + Math.min(count, 2)) * length))
        const results = await session.run({ [backboneInput]: new ort.Tensor("float32", given, dims) })
        const { data, dims: shape } = results[backboneOutput]! // the model's only output
        return { data: data as Float32Array, shape } // cast to float32 in the model
      },
      catch: doesNotRun
    })
  const { batch, output } = plan
  const first = yield* run(0, batch ?? 1)
  if (first.shape[0] !== (batch ?? 1))
    return yield* misfit(new Error(`"${output}" is ${first.shape.join(" x ")}, and not one row an image`))
  if (!first.data.every(Number.isFinite))
    return yield* misfit(new Error(`"${output}" of noise is not all numbers (NaN or infinity)`))
  if (batch !== null) return { shape: first.shape, batch, alone: undefined }
  const both = yield* Effect.result(run(0, 2))
  if (both._tag === "Failure" || both.success.data.length !== 2 * first.data.length)
    return { shape: first.shape, batch: 1, alone: "it says that it takes any number of images, and does not" }
  const isSame = apart(first.data, both.success.data.subarray(0, first.data.length)) <= mostApart
  return isSame
    ? { shape: first.shape, batch: null, alone: undefined }
    : { shape: first.shape, batch: 1, alone: "an image's features depend on the others of its batch" }
})

const examine = Effect.fn("OnnxFeatures.examine")(function* (
  bytes: Uint8Array<ArrayBuffer>,
  wishes: BackboneWishes,
  settings: OnnxSettings
) {
  const { file, plan } = yield* Effect.try({
    try: () => {
      const file = readOnnx(bytes)
      return { file, plan: planBackbone(file, wishes) }
    },
    catch: misfit
  })
  const { alone, batch, shape } = yield* tried(file, plan, settings)
  const { model, pooling } = yield* Effect.try({
    try: () => {
      const pooling = poolingFor(shape, wishes, plan)
      return { pooling, model: backboneModel(file, { ...plan, batch }, pooling) }
    },
    catch: misfit
  })
  const { features, pool, rank } = pooling
  return {
    facts: { sha256: yield* sha256(model), features, rank, ...(batch !== null && { batch }) },
    output: plan.output,
    pool,
    layout: plan.layout,
    takesBytes: plan.type === "uint8",
    alone,
    bytes: model
  } satisfies Backbone
}, Effect.scoped)

/** A session in this thread, which its calls block. */
const sessionHere = Effect.fnUntraced(function* (model: Uint8Array, settings: OnnxSettings) {
  const ort = yield* load
  let session: InferenceSession | undefined = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => ort.InferenceSession.create(model, optionsOf(settings)), catch: failed }),
    (session) => Effect.promise(() => session.release())
  )
  yield* Effect.addFinalizer(() => Effect.sync(() => (session = undefined)))
  const call = Effect.fnUntraced(function* (images: Float32Array, dims: ReadonlyArray<number>) {
    const opened = session
    if (opened === undefined)
      return yield* new FeaturesError({ engine, reason: "failed", detail: "the session is closed" })
    const results = yield* Effect.tryPromise({
      try: () => opened.run({ [inputName]: new ort.Tensor("float32", images, dims) }),
      catch: failed
    })
    const tensor: Tensor = results[outputName]! // the model's only output
    const rows = Float32Array.from(tensor.data as Float32Array) // declared as float32 in the model
    tensor.dispose()
    // It blocks this thread: without a pause, no signal would be handled between two calls.
    yield* Effect.yieldNow
    return rows
  })
  return { call, version: ort.env.versions.node }
})

/** Sessions in threads of their own. */
const sessionsApart = Effect.fnUntraced(function* (model: Uint8Array, settings: OnnxSettings, sessions: number) {
  // Where it is not installed, nothing is started.
  yield* load
  const begin = { model, options: optionsOf(settings), input: inputName, output: outputName }
  const { run, version } = yield* Effect.mapError(openThreads(sessions, begin), failed)
  return { call: (...given: Parameters<typeof run>) => Effect.mapError(run(...given), failed), version }
})

const open = Effect.fn("OnnxFeatures.open")(function* (frozen: Frozen, settings: OnnxSettings) {
  const { inTiles, model, shape } = yield* Effect.try({
    try: () => {
      const { shape } = frozenParts(frozen)
      const inTiles = settings.inTiles && haveTiles(frozen.blocks, frozen.input)
      return { inTiles, model: onnxModel(frozen, inTiles), shape }
    },
    catch: (cause) => new FeaturesError({ engine, reason: "misfit", detail: messageOf(cause), cause })
  })
  const sessions = settings.place === "apart" ? sessionsOf(model, settings.threads) : 1
  const each = { ...settings, inTiles, threads: Math.max(1, Math.floor(settings.threads / sessions)) }
  const { call, version } = yield* (settings.place === "apart" ? sessionsApart : sessionHere)(model, each, sessions)

  const length = sizeOf(frozen.input)
  const width = sizeOf(shape)
  const fixed = frozen.blocks.reduce<number | null>(
    (batch, block) => (block._tag === "Onnx" ? block.batch : batch),
    null
  )
  const most = fixed ?? settings.images ?? imagesAtOnce(frozen, each)
  /** A fixed batch is filled up with black images, whose features are left out. */
  const filled = (part: Float32Array): Float32Array => {
    if (fixed === null || part.length === fixed * length) return part
    const whole = new Float32Array(fixed * length)
    whole.set(part)
    return whole
  }
  const run = Effect.fnUntraced(function* (images: Float32Array, size: number) {
    yield* checkInputs(engine, frozen.input, images, size)
    const features = new Float32Array(size * width)
    // Each session has some of a batch.
    const atOnce = fixed ?? Math.min(most, Math.ceil(size / sessions))
    const part = Effect.fnUntraced(function* (from: number) {
      const count = Math.min(atOnce, size - from)
      const given = filled(images.subarray(from * length, (from + count) * length))
      const rows = yield* call(given, [fixed ?? count, ...frozen.input])
      features.set(rows.subarray(0, count * width), from * width)
    })
    const parts = Array.from({ length: Math.ceil(size / atOnce) }, (_, i) => i * atOnce)
    yield* Effect.forEach(parts, part, { concurrency: sessions === 1 ? 1 : "unbounded", discard: true })
    return features
  })
  return {
    engine,
    shape,
    // Features that are kept were computed in one way: networks without tiles have the key that they always had.
    key: `${engine} ${version}, float32, ${processor()}${inTiles ? ", in tiles" : ""}`,
    run,
    ...(settings.place === "apart" && { calls: 2 })
  } satisfies OpenFeatures
})

/** Features by onnxruntime on the CPU, with given settings. */
export const layerWith = (settings: Partial<OnnxSettings>) =>
  Layer.succeed(
    Features,
    onlyBy(
      engine,
      (frozen) => open(frozen, { ...defaults(), ...settings }),
      (file, wishes) => examine(file, wishes, { ...defaults(), ...settings })
    )
  )

/** Features by onnxruntime on the CPU, with a thread for each core. */
export const layer = layerWith({})
