import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { decode, encode } from "../../src/model/safetensors.ts"
import type { StoredPredictions } from "../../src/model/StoredPredictions.ts"
import {
  columnOf,
  decodePredictions,
  encodePredictions,
  labelsOfColumn,
  multilabelOf,
  numbersOf
} from "../../src/model/StoredPredictions.ts"

const sample = (i: number, label: number) => ({ id: `s${i}`, file: `photos/größe "${i}".jpg`, digest: `${i}`, label })
const stored: StoredPredictions = {
  part: "validation",
  labels: ["cap", "glove", "scarf"],
  samples: [sample(0, 2), sample(1, 0)],
  logits: Float32Array.of(-1.5, 0, 3e-8, 2, -0, Math.fround(0.1))
}

/** Two columns with one value and one with several; a sample's label is not known in one of them each. */
const several: StoredPredictions = {
  part: "test",
  labels: ["cap", "scarf"],
  columns: [
    { name: "kind", classes: ["cap", "scarf"], values: "one" },
    { name: "tags", classes: ["dark", "light", "striped"], values: "several" },
    { name: "colour", classes: ["blue", "red"], values: "one" }
  ],
  samples: [
    { ...sample(0, 1), labels: [[1], [0, 2], null] },
    { ...sample(1, -1), labels: [null, [], [0]] },
    { ...sample(2, 0), labels: [[0], null, [1]] }
  ],
  logits: Float32Array.from({ length: 21 }, (_, i) => i)
}

describe("stored predictions", () => {
  it.effect("of several label columns come back as they were, and can be seen column by column", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* decodePredictions(encodePredictions(several), "x"), several)
      const kind = columnOf(several, 0)
      assert.deepStrictEqual(kind, {
        part: "test",
        labels: ["cap", "scarf"],
        samples: [sample(0, 1), sample(2, 0)],
        logits: Float32Array.of(0, 1, 14, 15)
      })
      assert.deepStrictEqual(numbersOf(kind), numbersOf(several))
      assert.deepStrictEqual(numbersOf(columnOf(several, 2)), {
        classes: 2,
        logits: Float32Array.of(12, 13, 19, 20),
        labels: Int32Array.of(0, 1)
      })
      const tags = columnOf(several, 1)
      assert.deepStrictEqual(
        tags.samples.map(({ id, label, labels }) => ({ id, label, labels })),
        [
          { id: "s0", label: -1, labels: [[0, 2]] },
          { id: "s1", label: -1, labels: [[]] }
        ]
      )
      assert.deepStrictEqual(multilabelOf(tags), {
        values: "several",
        classes: 3,
        logits: Float32Array.of(2, 3, 4, 9, 10, 11),
        labels: Uint8Array.of(1, 0, 1, 0, 0, 0)
      })
      // A column of a column is itself, and one column of a run of one is the run's.
      assert.deepStrictEqual(columnOf(tags, 0), tags)
      assert.strictEqual(columnOf(stored, 0), stored)
      assert.throws(() => numbersOf(tags), /tags has several values/)
      assert.throws(() => multilabelOf(kind), /one value/)
      assert.deepStrictEqual(labelsOfColumn(several, 2), { values: "one", labels: Int32Array.of(-1, 0, 1) })
      assert.deepStrictEqual(labelsOfColumn(stored, 0), { values: "one", labels: Int32Array.of(2, 0) })
    })
  )

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
  const other = decode(encodePredictions(several))
  const severalMetadata = other._tag === "Success" ? other.success.metadata : {}
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
    ],
    [
      "an unknown label in a run of one column",
      encodePredictions({ ...stored, samples: [sample(0, -1), sample(1, 0)] }),
      /s0 has the class -1/
    ],
    [
      "labels of fewer columns",
      encodePredictions({ ...several, samples: several.samples.map((one) => ({ ...one, labels: [[0]] })) }),
      /s0 has the labels of 1 columns, and there are 3/
    ],
    [
      "a class that a further column has not",
      encodePredictions({ ...several, samples: several.samples.map((one) => ({ ...one, labels: [[0], [3], [0]] })) }),
      /s0 has the class 3, and there are 3/
    ],
    [
      "two classes in a column with one value",
      encodePredictions({ ...several, samples: several.samples.map((one) => ({ ...one, labels: [[0], [], [0, 1]] })) }),
      /s0 has 2 classes in a column with one value/
    ],
    [
      "logits of the first column only",
      encode(new Map([["logits", { shape: [3, 2], data: new Float32Array(6) }]]), severalMetadata),
      /logits are 3 x 2, and should be 3 x 7/
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
