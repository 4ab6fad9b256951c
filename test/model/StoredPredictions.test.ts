import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { decode, encode } from "../../src/model/safetensors.ts"
import type { StoredPredictions } from "../../src/model/StoredPredictions.ts"
import { decodePredictions, encodePredictions, numbersOf } from "../../src/model/StoredPredictions.ts"

const sample = (i: number, label: number) => ({ id: `s${i}`, file: `photos/größe "${i}".jpg`, digest: `${i}`, label })
const stored: StoredPredictions = {
  part: "validation",
  labels: ["cap", "glove", "scarf"],
  samples: [sample(0, 2), sample(1, 0)],
  logits: Float32Array.of(-1.5, 0, 3e-8, 2, -0, Math.fround(0.1))
}

describe("stored predictions", () => {
  it.effect("come back as they were, bit for bit", () =>
    Effect.gen(function* () {
      const back = yield* decodePredictions(encodePredictions(stored), "x")
      assert.deepStrictEqual(back, stored)
      assert.isTrue(Object.is(back.logits[4], -0))
      assert.deepStrictEqual([...numbersOf(back).labels], [2, 0])
    })
  )

  it.effect("may be of no sample at all", () =>
    Effect.gen(function* () {
      const none = { ...stored, samples: [], logits: new Float32Array(0) }
      assert.deepStrictEqual(yield* decodePredictions(encodePredictions(none), "x"), none)
    })
  )

  const file = decode(encodePredictions(stored))
  const { metadata, tensors } = file._tag === "Success" ? file.success : { metadata: {}, tensors: new Map() }
  const faulty: ReadonlyArray<readonly [string, Uint8Array, RegExp]> = [
    ["a torn file", encodePredictions(stored).slice(0, -3), /ends at/],
    ["no metadata", encode(tensors), /lacks the part/],
    ["no logits", encode(new Map(), metadata), /logits are missing, and should be 2 x 3/],
    [
      "rows of another length",
      encode(new Map([["logits", { shape: [3, 2], data: stored.logits }]]), metadata),
      /logits are 3 x 2, and should be 2 x 3/
    ],
    [
      "a class that there is not",
      encodePredictions({ ...stored, samples: [sample(0, 3), sample(1, 0)] }),
      /s0 has the class 3, and there are 3/
    ]
  ]
  for (const [what, bytes, message] of faulty)
    it.effect(`are refused, and say why: ${what}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(decodePredictions(bytes, "runs/a/predictions/test.safetensors"))
        assert.match(error.message, message)
        assert.include(error.message, "runs/a/predictions/test.safetensors")
      })
    )
})
