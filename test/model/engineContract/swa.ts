import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { meanWith } from "../../../src/model/average.ts"
import type { Engine } from "../../../src/model/Engine.ts"
import { Network } from "../../../src/model/Network.ts"
import { plain } from "./figures.ts"
import { allTrained } from "./freezing.ts"
import { assertNear, openSession, referenceBatch } from "./reference.ts"

const Numbers = Schema.Array(Schema.Finite)

const expected = Schema.decodeSync(
  Schema.fromJsonString(
    Schema.Struct({
      salt: Schema.String,
      network: Network,
      sizes: Schema.Array(Schema.Int),
      epochs: Schema.Int,
      learningRate: Schema.Finite,
      labels: Schema.Array(Numbers),
      average: Schema.Record(Schema.String, Schema.Struct({ norm: Schema.Finite, first: Numbers })),
      logits: Numbers
    })
  )
)(readFileSync(new URL("swa.json", import.meta.url), "utf8"))

const average = { kind: "swa", decay: 0, everySteps: 1 } as const

/** Declares that an engine keeps a mean of the weights that is moved from outside, and its running statistics. */
export const averagesEpochs = (it: Vitest.MethodsNonLive<Engine>) => {
  it.effect("has the mean of the epochs' weights and its running statistics as PyTorch's swa_utils", () =>
    Effect.gen(function* () {
      const { epochs, labels, learningRate, network, salt, sizes } = expected
      const session = yield* openSession(network, { average })
      const batches = sizes.map((size, k) => ({
        ...referenceBatch(network, salt, size),
        labels: Int32Array.from(labels[k] ?? [])
      }))
      let step = 0
      for (let epoch = 0; epoch < epochs; epoch++) {
        for (const batch of batches) yield* session.train(batch, { step: step++, learningRate })
        const state = yield* session.snapshot
        const mean = meanWith(state.average ?? state.weights, state.weights, epoch + 1)
        yield* session.restore({ ...state, average: mean })
      }
      const before = yield* session.snapshot
      assert.isDefined(session.moveStatistics)
      for (const [k, batch] of batches.entries())
        yield* session.moveStatistics(batch, { share: 1 / (k + 1), step: step + k })
      const after = yield* session.snapshot
      assert.deepStrictEqual(after.weights, before.weights)
      assert.deepStrictEqual(after.optimizer, before.optimizer)
      for (const [name, { first, norm }] of Object.entries(expected.average)) {
        const data = after.average?.get(name)?.data ?? new Float32Array(0)
        assertNear([Math.hypot(...data)], [norm], `norm of the mean ${name}`)
        assertNear(data.subarray(0, first.length), first, `the mean ${name}`)
      }
      assertNear(yield* session.predict(batches[0]!), expected.logits, "logits by the mean")
    })
  )

  it.effect("moves no statistics where no batch norm takes a batch's", () =>
    Effect.gen(function* () {
      assert.isUndefined((yield* openSession(plain, { average })).moveStatistics)
      const kept = yield* openSession(expected.network, { average, freezing: { ...allTrained, keepStatistics: true } })
      assert.isUndefined(kept.moveStatistics)
    })
  )
}
