import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { Engine, EngineError } from "../../../src/model/Engine.ts"
import type { Network } from "../../../src/model/Network.ts"
import { simpleCnn } from "../../../src/model/networks/simpleCnn.ts"
import { mobile, plain } from "./figures.ts"
import { assertSameBits, openSession, referenceBatch, referenceWeights, sgd, tensors } from "./reference.ts"

/** That something fails as an engine fails, and says what is wrong. */
const failsWith = <A, E, R>(effect: Effect.Effect<A, E, R>, ...words: ReadonlyArray<string>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, EngineError)
    for (const word of words) assert.include(error.message, word)
  })

/** In its first convolution, 48 images need 8 TiB: no machine has them, nor lends them. */
const vast: Network = {
  name: "vast",
  height: 256,
  width: 176,
  classes: 2,
  blocks: [
    {
      _tag: "Conv2d",
      name: "conv",
      filters: 2 ** 20,
      kernel: [1, 1],
      stride: 1,
      padding: 0,
      bias: false,
      init: "torch"
    },
    { _tag: "GlobalAveragePool" },
    { _tag: "Dense", name: "fc", units: 2, bias: true, init: "torch" }
  ]
}

/** Declares what an engine does with what it cannot use. */
export const failuresAreTyped = (it: Vitest.MethodsNonLive<Engine>) => {
  const at = { step: 0, learningRate: 0.01 }

  it.effect("passes its preflight for every kind of block", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      yield* engine.preflight(mobile)
      yield* engine.preflight(plain)
      yield* engine.preflight(simpleCnn.build({ height: 60, width: 80, classes: 12 }))
    })
  )

  it.effect("refuses weights that are missing or of another shape, by their name", () =>
    Effect.gen(function* () {
      const weights = new Map(referenceWeights(plain, "contract-"))
      const { data } = weights.get("fc1.weight")!
      const turned = new Map([...weights, ["fc1.weight", { shape: [data.length / 12, 12], data }]])
      yield* failsWith(openSession(plain, { weights: turned }), "fc1.weight", "12")
      weights.delete("fc2.bias")
      yield* failsWith(openSession(plain, { weights }), "fc2.bias")
    })
  )

  it.effect("refuses a state of another network or optimiser, and stays as it was", () =>
    Effect.gen(function* () {
      const session = yield* openSession(plain, { optimizer: { ...sgd, kind: "adam" } })
      const before = yield* session.snapshot
      const other = yield* openSession(mobile)
      yield* failsWith(session.restore(yield* other.snapshot), "conv.weight")
      const plainSgd = yield* openSession(plain)
      yield* failsWith(session.restore(yield* plainSgd.snapshot), "mean.conv.weight")
      assert.deepStrictEqual(yield* session.snapshot, before)
    })
  )

  it.effect("refuses a network that its images are too small for", () =>
    failsWith(
      openSession(simpleCnn.build({ height: 30, width: 60, classes: 3 }), { weights: new Map() }),
      "conv4",
      "too small"
    )
  )

  it.effect("refuses labels that are no class, by the sample", () =>
    Effect.gen(function* () {
      const session = yield* openSession(plain)
      const batch = referenceBatch(plain, "contract-", 3)
      for (const label of [plain.classes, -1]) {
        const labels = Int32Array.of(0, label, 1)
        yield* failsWith(session.train({ ...batch, labels }, at), `${label}`, "sample 1")
      }
    })
  )

  it.effect("refuses images of another size", () =>
    Effect.gen(function* () {
      const session = yield* openSession(plain)
      const batch = referenceBatch({ ...plain, height: plain.width, width: plain.height }, "contract-", 3)
      yield* failsWith(session.train(batch, at), `${plain.height} x ${plain.width}`)
      yield* failsWith(session.predict(batch), `${plain.height} x ${plain.width}`)
    })
  )

  it.effect("gives a NaN loss, and no crash, for an image with a NaN", () =>
    Effect.gen(function* () {
      for (const network of [mobile, plain]) {
        const session = yield* openSession(network)
        const batch = referenceBatch(network, "contract-", 3)
        batch.images[40] = Number.NaN
        const { loss } = yield* session.train(batch, at)
        assert.isTrue(Number.isNaN(loss), `${network.name}: the loss is ${loss}`)
      }
    })
  )

  it.effect("says which batch size to try where memory is full, changes nothing, and goes on with what fits", () =>
    Effect.gen(function* () {
      const batch = referenceBatch(vast, "contract-", 48)
      const other = yield* openSession(plain)
      const kept = yield* other.snapshot
      const session = yield* openSession(vast)
      const before = tensors()
      const error = yield* Effect.flip(session.train(batch, at))
      assert.strictEqual(error.reason, "outOfMemory", error.message)
      assert.include(error.message, "try a batch size of 24 instead of 48")
      assert.strictEqual(tensors(), before)
      assertSameBits(yield* other.snapshot, kept)
      yield* other.train(referenceBatch(plain, "contract-", 3), at)
    }).pipe(Effect.scoped)
  )

  it.effect("frees a session at its Scope's end", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const session = yield* Scope.provide(openSession(plain), scope)
      const batch = referenceBatch(plain, "contract-", 3)
      yield* session.train(batch, at)
      yield* Scope.close(scope, Exit.void)
      yield* failsWith(session.train(batch, at), "closed")
      yield* failsWith(session.predict(batch), "closed")
      yield* failsWith(session.snapshot, "closed")
    })
  )
}
