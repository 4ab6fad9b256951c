import { assert, layer } from "@effect/vitest"
import * as tf from "@tensorflow/tfjs-core"
import { Effect, Exit, Scope } from "effect"
import { TestConsole } from "effect/testing"
import { preflight } from "../../../../src/layers/engines/tfjs/preflight.ts"
import { open } from "../../../../src/layers/engines/tfjs/session.ts"
import { layer as wasm } from "../../../../src/layers/engines/wasm/WasmEngine.ts"
import { OutOfMemory } from "../../../../src/layers/engines/wasm/openBackend.ts"
import { Engine, LeakPolicy } from "../../../../src/model/Engine.ts"
import { plain } from "../../../model/engineContract/figures.ts"
import { openSession, referenceBatch, referenceWeights, sgd } from "../../../model/engineContract/reference.ts"
import { operators, plainDevice } from "./plainDevice.ts"

const at = { step: 0, learningRate: 0.01 }
const batch = referenceBatch(plain, "session-", 4)
const options = {
  network: plain,
  weights: referenceWeights(plain, "session-"),
  optimizer: sgd,
  labelSmoothing: 0,
  seed: 0,
  classWeights: undefined,
  clipNorm: undefined,
  clipValue: undefined
}

const leaking = plainDevice("faulty", {
  channelSums: (x) => {
    tf.keep(tf.scalar(1))
    return operators.channelSums(x)
  }
})

layer(wasm)("a session", (it) => {
  it.effect("fails where a tensor outlives its step, if it is to", () =>
    Effect.gen(function* () {
      const session = yield* open(leaking, options)
      const error = yield* Effect.flip(session.train(batch, at))
      assert.strictEqual(error.reason, "leak")
      assert.include(error.message, "outlived a training step")
      yield* session.predict(batch) // calls no leaking operator
    }).pipe(Effect.provideService(LeakPolicy, "fail"))
  )

  it.effect("reports such a tensor once, if it is to, and goes on", () =>
    Effect.gen(function* () {
      const session = yield* open(leaking, options)
      for (let i = 0; i < 3; i++) yield* session.train(batch, at)
      const warnings = [...(yield* TestConsole.logLines), ...(yield* TestConsole.errorLines)].filter((line) =>
        String(line).includes("outlived")
      )
      assert.strictEqual(warnings.length, 1)
    }).pipe(Effect.provideService(LeakPolicy, "report"))
  )

  it.effect("says which batch size to try where memory is full, and goes on with a smaller batch", () =>
    Effect.gen(function* () {
      const full = plainDevice("faulty", {
        activationGradient: (dy, ...rest) => {
          if (dy.shape[0]! > 2) throw new OutOfMemory(2 ** 30)
          return operators.activationGradient(dy, ...rest)
        }
      })
      const session = yield* open(full, options)
      const before = tf.memory().numTensors
      const error = yield* Effect.flip(session.train(batch, at))
      assert.strictEqual(error.reason, "outOfMemory")
      assert.include(error.message, "try a batch size of 2 instead of 4")
      assert.strictEqual(tf.memory().numTensors, before)
      yield* session.train(referenceBatch(plain, "session-", 2), at)
    })
  )

  it.effect("leaves no tensor when its Scope closes", () =>
    Effect.gen(function* () {
      const before = tf.memory().numTensors
      const scope = yield* Scope.make()
      const session = yield* Scope.provide(openSession(plain, { optimizer: { ...sgd, kind: "adam" } }), scope)
      yield* session.train(batch, at)
      yield* session.restore(yield* session.snapshot)
      assert.isAbove(tf.memory().numTensors, before)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(tf.memory().numTensors, before)
    })
  )

  it.effect("does not begin where its preflight misses a kernel", () =>
    Effect.gen(function* () {
      const kernel = tf.getKernel("MaxPoolGrad", "wasm")
      tf.unregisterKernel("MaxPoolGrad", "wasm")
      const engine = yield* Engine
      const error = yield* Effect.flip(engine.preflight(plain)).pipe(
        Effect.ensuring(Effect.sync(() => tf.registerKernel(kernel)))
      )
      assert.include(error.message, "MaxPoolGrad")
      const missing = yield* Effect.flip(
        preflight(plainDevice("faulty"), { ...plain, height: 2, width: 2 }, "Mend it.")
      )
      assert.include(missing.message, "too small")
      yield* engine.preflight(plain)
    })
  )
})
