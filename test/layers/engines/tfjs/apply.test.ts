import { assert, layer } from "@effect/vitest"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import { applyAll } from "../../../../src/layers/engines/tfjs/apply.ts"
import { fusedWith } from "../../../../src/layers/engines/tfjs/fusedAt.ts"
import type { Pass } from "../../../../src/layers/engines/tfjs/Pass.ts"
import { layer as wasm } from "../../../../src/layers/engines/wasm/WasmEngine.ts"
import { backendName } from "../../../../src/layers/engines/wasm/openBackend.ts"
import type { Block } from "../../../../src/model/Block.ts"
import { Engine } from "../../../../src/model/Engine.ts"
import { operators } from "./plainDevice.ts"

const channels = 24
const shape = [5, 6, channels]
const bytes = 4 * 5 * 6 * channels

/** Alike ones: a norm and GELU, in residuals. */
const blocks = Array.from({ length: 6 }, (_, i): Block => ({
  _tag: "Residual",
  blocks: [
    { _tag: "LayerNorm", name: `norm${i}`, eps: 1e-6 },
    { _tag: "Activation", kind: "gelu" },
    { _tag: "BatchNorm", name: `batch${i}`, eps: 1e-5, momentum: 0.1 }
  ]
}))

layer(wasm)("the memory of a pass", (it) => {
  /** How many bytes there are, beside those before, when each residual begins, and when its backward pass does. */
  const watched = (training: boolean) => {
    const forward: Array<number> = []
    const backward: Array<number> = []
    const plain = fusedWith(operators)
    const parts = ["weight", "bias", "running_mean", "running_var"]
    const names = blocks.flatMap((_, i) => parts.flatMap((part) => [`norm${i}.${part}`, `batch${i}.${part}`]))
    const weights = new Map(names.map((name) => [name, tf.ones([channels])]))
    const input = tf.randomNormal(shape, 0, 1, "float32", 3)
    const { numBytes, numTensors } = tf.memory()
    const pass: Pass = {
      training,
      batchStatistics: training,
      fusedAt: (block, following) => {
        const fused = plain(block, following)
        if (block._tag !== "Residual") return fused
        return {
          ...fused,
          apply: (...rest) => {
            forward.push(tf.memory().numBytes - numBytes)
            const applied = fused.apply(...rest)
            return {
              ...applied,
              backward: (...given) => {
                backward.push(tf.memory().numBytes - numBytes)
                return applied.backward(...given)
              }
            }
          }
        }
      },
      weights,
      gradients: new Map(),
      running: new Map(),
      mask: () => new Float32Array()
    }
    const applied = applyAll(blocks, input, pass)
    const dx = training ? applied.backward(tf.onesLike(applied.output), true) : undefined
    const results = [applied.output, dx, ...pass.gradients.values(), ...pass.running.values()]
    const left = tf.memory().numTensors - numTensors - new Set(results.filter((one) => one !== undefined)).size
    return { forward, backward, left, pass, results }
  }

  const open = (test: () => void) =>
    Effect.gen(function* () {
      yield* Engine
      yield* Effect.promise(() => tf.setBackend(backendName))
      tf.tidy(test)
    })

  it.effect("in inference there are no more than what goes into a block", () =>
    open(() => {
      const { forward, left } = watched(false)
      assert.strictEqual(forward.length, blocks.length)
      assert.isAtMost(Math.max(...forward), bytes)
      assert.strictEqual(left, 0)
    })
  )

  it.effect("in training each block keeps what its backward pass needs, and frees it there", () =>
    open(() => {
      const { backward, forward, left, pass, results } = watched(true)
      const small = 40 * 4 * channels
      const each = (forward[blocks.length - 1]! - forward[0]!) / (blocks.length - 1)
      // The norm's normalised input, its output, GELU's output, the batch norm's, all that it makes, and the sum.
      assert.isAtMost(each, 9 * bytes + small)
      for (let i = 1; i < backward.length; i++)
        assert.isBelow(backward[i]!, backward[i - 1]! - each + 2 * bytes + small)
      assert.isAtMost(left, 1) // the gradient of the output, which is the caller's
      assert.strictEqual(pass.gradients.size, 4 * blocks.length)
      assert.strictEqual(pass.running.size, 2 * blocks.length)
      // Nobody freed what the session takes.
      for (const one of results) assert.isFalse(one?.isDisposed)
    })
  )
})
