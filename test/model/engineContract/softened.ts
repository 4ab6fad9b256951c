import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Engine } from "../../../src/model/Engine.ts"
import type { Network } from "../../../src/model/Network.ts"
import type { Batch } from "../../../src/pipeline/Batch.ts"
import { assertSameBits, openSession, referenceBatch, referenceWeights } from "./reference.ts"

const salt = "softened"
const network: Network = {
  name: "linear",
  height: 2,
  width: 3,
  classes: 4,
  blocks: [{ _tag: "Flatten" }, { _tag: "Dense", name: "kind", units: 4, bias: true, init: "torch" }]
}

const labels = Int32Array.of(3, 1, 0, 2, 1)
const partners = Int32Array.of(4, 0, 1, 2, 3)
const batch: Batch = { ...referenceBatch(network, salt, labels.length), labels }

/** Declares that an engine learns from labels with a second class. */
export const learnsFromSecondClasses = (it: Vitest.MethodsNonLive<Engine>) => {
  it.effect("learns from a label with a second class as from an image that is mixed of both classes", () =>
    Effect.gen(function* () {
      for (const focal of [0, 1.5]) {
        const after = Effect.fnUntraced(function* (given: Batch) {
          const session = yield* openSession(network, {
            weights: referenceWeights(network, salt),
            labelSmoothing: 0.1,
            focal
          })
          const { loss } = yield* session.train(given, { step: 0, learningRate: 0.05 })
          return { loss, state: yield* session.snapshot }
        })
        const shares = Float32Array.of(0.25, 0.5, 0.75, 0.5, 0.25)
        const softened = [{ labels: partners.map((row) => labels[row] ?? 0), shares }]
        const soft = yield* after({ ...batch, softened })
        // The images of the batch stay as they are: what is compared is the target.
        const mixed = yield* after({ ...batch, mix: { partners, shares: shares.map((share) => 1 - share) } })
        assert.strictEqual(soft.loss, mixed.loss)
        assertSameBits(soft.state, mixed.state)
        const none = yield* after({ ...batch, softened: [{ labels: labels.map(() => -1), shares: shares.fill(0) }] })
        const plain = yield* after(batch)
        assert.strictEqual(none.loss, plain.loss)
        assertSameBits(none.state, plain.state)
        assert.notStrictEqual(soft.loss, plain.loss)
      }
    })
  )

  it.effect("refuses a second class that is none, and a share that is no share", () =>
    Effect.gen(function* () {
      const session = yield* openSession(network, { weights: referenceWeights(network, salt) })
      const refused = (second: number, share: number, size = labels.length) =>
        Effect.map(
          Effect.flip(
            session.train(
              {
                ...batch,
                softened: [{ labels: new Int32Array(size).fill(second), shares: new Float32Array(size).fill(share) }]
              },
              { step: 0, learningRate: 0.1 }
            )
          ),
          ({ message }) => message
        )
      assert.match(yield* refused(4, 0.5), /the second class 4 of sample sample 0/)
      assert.match(yield* refused(-1, 0.5), /the second class -1 of sample sample 0/)
      assert.match(yield* refused(1, 1.5), /a share of 1.5, cannot be/)
      assert.match(yield* refused(1, 0.5, 3), /a batch of 5 images has 3 second classes/)
    })
  )
}
