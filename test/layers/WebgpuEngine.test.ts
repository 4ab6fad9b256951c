import { assert, describe, it } from "@effect/vitest"
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import * as tf from "@tensorflow/tfjs-core"
import { Effect, Layer } from "effect"
import { execFile } from "node:child_process"
import { layer, layerWith } from "../../src/layers/WebgpuEngine.ts"
import { maxPool } from "../../src/layers/tfjs/convolutions.ts"
import type { Pass } from "../../src/layers/tfjs/Pass.ts"
import { operatorsOf } from "../../src/layers/webgpu/operators.ts"
import { probeAdapter } from "../../src/layers/webgpu/probeAdapter.ts"
import * as MockEngine from "../../src/layers/MockEngine.ts"
import { Engine, EngineError } from "../../src/model/Engine.ts"
import type { Network } from "../../src/model/Network.ts"
import { mobilenetV2 } from "../../src/model/networks/mobilenetV2.ts"
import { poolsAsPyTorchDoes, rectifiesAsPyTorchDoes } from "./tfjs/asPyTorch.ts"
import { engineContract } from "../model/engineContract.ts"
import { plain } from "../model/engineContract/figures.ts"
import { assertNear, assertSameBits, openSession, referenceBatch, sgd } from "../model/engineContract/reference.ts"

/** A graphics card where there is one, else an adapter in software. */
const found = await Effect.runPromise(
  probeAdapter("gpu").pipe(
    Effect.as("gpu"),
    Effect.catch(() => Effect.as(probeAdapter("cpu"), "cpu")),
    Effect.catch(({ reason }) => Effect.succeed({ reason }))
  )
)
const adapter = found === "gpu" ? "gpu" : "cpu"
const onlySoftware = found === "cpu"

/** On an adapter in software the whole suite takes some seven minutes: WEFT_WHOLE_SUITE=1. */
const brief = onlySoftware && process.env["WEFT_WHOLE_SUITE"] === undefined

const head = { bias: true, init: "torch", _tag: "Dense", name: "fc" } as const

/** The whole of MobileNetV2 begins so: no expansion, an expansion with stride 2, and one with a shortcut. */
const mobilenet = mobilenetV2({ height: 37, width: 26, classes: 7, head: "fc", padding: "symmetric" })
const inverted: Network = {
  ...mobilenet,
  blocks: [
    ...mobilenet.blocks.slice(0, mobilenet.blocks.findIndex(({ _tag }) => _tag === "Residual") + 1),
    { _tag: "GlobalAveragePool" },
    { ...head, units: 7 }
  ]
}

const at = { step: 0, learningRate: 0.01 }

/** Its images are small, and its first output is 128 MiB for each. */
const wide: Network = {
  name: "wide",
  height: 64,
  width: 64,
  classes: 2,
  blocks: [
    { _tag: "Conv2d", name: "conv", filters: 8192, kernel: [1, 1], stride: 1, padding: 0, bias: true, init: "torch" },
    { _tag: "GlobalAveragePool" },
    { ...head, units: 2 }
  ]
}

/** Nothing is square, a power of two, or a multiple of a workgroup; 2,660 values are added up for each logit. */
const odd: Network = {
  name: "odd",
  height: 41,
  width: 27,
  classes: 19,
  blocks: [
    { _tag: "Conv2d", name: "conv", filters: 5, kernel: [3, 2], stride: 3, padding: 2, bias: true, init: "torch" },
    { _tag: "Activation", kind: "relu6" },
    {
      _tag: "Conv2d",
      name: "wide",
      filters: 38,
      kernel: [2, 3],
      stride: 1,
      padding: "same",
      bias: false,
      init: "torch"
    },
    { _tag: "MaxPool", size: 3, stride: 2, padding: 1 },
    { _tag: "DepthwiseConv2d", name: "dw", kernel: [2, 3], stride: 1, padding: 1, bias: true, init: "torch" },
    { _tag: "Flatten" },
    { ...head, units: 19 }
  ]
}

const missing = typeof found === "string" ? "" : `: ${found.reason}`

describe.skipIf(missing !== "")(`the engine webgpu here${missing}`, () => {
  const engine = layerWith({ device: adapter })
  engineContract("webgpu", engine, { brief })

  describe("the webgpu engine's device", () => {
    it.effect("says what it is: its adapter, the way to it and its limits", () =>
      Effect.gen(function* () {
        const { info } = yield* Engine
        assert.match(info.device, /^.+ \((graphics card|software adapter).*\), .+, tensors up to \d+\.\d GiB, /)
        assert.match(info.device, /workgroups of \d+ threads and \d+ KiB$/)
        assert.isAtLeast(info.limits?.["largestTensorBytes"] ?? 0, 2 ** 27) // WebGPU's least
        assert.isAtLeast(info.limits?.["workgroupMemoryBytes"] ?? 0, 2 ** 14)
        assert.isAtLeast(info.limits?.["workgroupThreads"] ?? 0, 256)
        assert.strictEqual(info.versions["webgpu"], "0.6.2")
      }).pipe(Effect.provide(engine))
    )

    it.effect.skipIf(!onlySoftware)("is no adapter in software where a card is asked for", () =>
      Effect.gen(function* () {
        const { cure, reason } = yield* Effect.flip(Layer.build(layer))
        assert.include(reason, "software adapter")
        assert.include(cure, 'engine.device = "cpu"')
      })
    )

    it.effect("leaves nothing of a browser behind", () =>
      Effect.gen(function* () {
        const before = [Object.keys(globalThis), "gpu" in navigator, "GPUBuffer" in globalThis]
        const inside = yield* Effect.scoped(Effect.map(Layer.build(engine), () => "GPUBuffer" in globalThis))
        assert.isTrue(inside)
        assert.deepStrictEqual([Object.keys(globalThis), "gpu" in navigator, "GPUBuffer" in globalThis], before)
        assert.isNull(tf.findBackend("webgpu"))
      })
    )

    it.effect("says which batch size to try where a tensor is larger than the card takes", () =>
      Effect.gen(function* () {
        const session = yield* openSession(wide)
        const before = yield* session.snapshot
        const error = yield* Effect.flip(session.train(referenceBatch(wide, "wide-", 64), at))
        assert.strictEqual(error.reason, "outOfMemory")
        assert.include(error.message, "a tensor of 8192 MiB")
        assert.include(error.message, "try a batch size of 32 instead of 64")
        assertSameBits(yield* session.snapshot, before)
      }).pipe(Effect.provide(engine))
    )

    it.effect("computes what the mock does where shapes are odd and sums long, and the same bits each time", () =>
      Effect.gen(function* () {
        const batch = referenceBatch(odd, "odd-", 7)
        const train = Effect.fnUntraced(function* () {
          const session = yield* openSession(odd, { optimizer: { ...sgd, momentum: 0.9 } })
          const results = [yield* session.train(batch, at), yield* session.train(batch, { ...at, step: 1 })]
          return { results, state: yield* session.snapshot }
        }, Effect.scoped)
        const expected = yield* train().pipe(Effect.provide(MockEngine.layer))
        const actual = yield* train()
        for (const [step, { gradientNorm, logits, loss }] of actual.results.entries()) {
          const { results } = expected
          assertNear(logits, results[step]!.logits, `logits of step ${step}`, 1e-5)
          assertNear([loss, gradientNorm], [results[step]!.loss, results[step]!.gradientNorm], `step ${step}`, 1e-5)
        }
        for (const [name, { data }] of actual.state.weights)
          assertNear(data, expected.state.weights.get(name)!.data, name, 1e-5)
        for (let i = 0; i < 2; i++) assertSameBits((yield* train()).state, actual.state)
      }).pipe(Effect.provide(engine))
    )

    it.effect(
      "computes what the mock does in MobileNetV2's blocks: inverted residuals, one of them with stride 2",
      () =>
        Effect.gen(function* () {
          assert.isTrue(inverted.blocks.some((block) => block._tag === "DepthwiseConv2d" && block.stride === 2))
          const batch = referenceBatch(inverted, "inverted-", 3)
          const step = Effect.gen(function* () {
            const session = yield* openSession(inverted)
            const { gradientNorm, logits, loss } = yield* session.train(batch, at)
            const { weights } = yield* session.snapshot
            return { logits, figures: [loss, gradientNorm], weights, predicted: yield* session.predict(batch) }
          }).pipe(Effect.scoped)
          const expected = yield* step.pipe(Effect.provide(MockEngine.layer))
          const actual = yield* step
          assertNear(actual.logits, expected.logits, "logits", 1e-5)
          assertNear(actual.figures, expected.figures, "loss and gradient norm", 1e-4)
          assertNear(actual.predicted, expected.predicted, "logits after the step", 1e-4)
          for (const [name, { data }] of actual.weights) assertNear(data, expected.weights.get(name)!.data, name, 1e-4)
        }).pipe(Effect.provide(engine))
    )

    it.effect("pools and rectifies as PyTorch does where there are NaN and infinities, forward and backward", () =>
      Effect.gen(function* () {
        yield* Engine // its backend is the current one
        const unused = {} as Pass // pooling looks at nothing in it
        yield* Effect.promise(() => poolsAsPyTorchDoes((block, input) => maxPool(block, input, unused)))
        const backend = tf.backend() as WebGPUBackend // the engine's
        yield* Effect.promise(() => rectifiesAsPyTorchDoes(operatorsOf(backend)))
      }).pipe(Effect.provide(engine))
    )

    it.effect("prints nothing, and lets the process end", () =>
      Effect.gen(function* () {
        const program = `
          import { Effect } from "effect"
          import { layerWith } from "./src/layers/WebgpuEngine.ts"
          import { Engine } from "./src/model/Engine.ts"
          const network = ${JSON.stringify(plain)}
          const preflight = Effect.flatMap(Engine, (engine) => engine.preflight(network))
          await Effect.runPromise(Effect.provide(preflight, layerWith({ device: "${found}" })))`
        const { failure, printed } = yield* Effect.promise(
          () =>
            new Promise<{ readonly failure: Error | null; readonly printed: string }>((resolve) =>
              execFile(process.execPath, ["--input-type=module", "-e", program], (failure, stdout, stderr) =>
                resolve({ failure, printed: stdout + stderr })
              )
            )
        )
        assert.strictEqual(printed, "")
        assert.isNull(failure)
      })
    )

    it.effect("fails, and does not hang, when the card is lost", () =>
      Effect.gen(function* () {
        const session = yield* openSession(plain)
        const batch = referenceBatch(plain, "contract-", 3)
        yield* session.train(batch, at)
        const { device } = tf.backend() as unknown as { readonly device: GPUDevice }
        device.destroy()
        for (const attempt of [Effect.asVoid(session.train(batch, at)), Effect.asVoid(session.snapshot)]) {
          const error = yield* Effect.flip(attempt)
          assert.instanceOf(error, EngineError)
          assert.include(error.message, "the graphics card was lost")
        }
      }).pipe(Effect.provide(engine))
    )
  })
})
