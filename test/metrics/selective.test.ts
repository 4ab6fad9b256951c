import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Predictions } from "../../src/metrics/calibration.ts"
import { selections, smallestThreshold } from "../../src/metrics/selective.ts"

/** Two classes; the first one has each probability, 1/2 or more, and is right or not. */
const of = (all: ReadonlyArray<readonly [probability: number, isRight: boolean]>): Predictions => ({
  classes: 2,
  logits: Float32Array.from(all.flatMap(([p]) => [Math.log(p), Math.log(1 - p)])),
  labels: Int32Array.from(all, ([, isRight]) => (isRight ? 0 : 1))
})

const found = of([
  [0.6, true],
  [0.99, true],
  [0.7, false],
  [0.9, true],
  [0.8, false],
  [0.8, true],
  [0.95, true]
])

describe("a threshold below which a classifier abstains", () => {
  it("tells how much is answered, and how much of it is right", () => {
    const [all, some, none] = selections(found, [0, 0.85, 1])
    assert.deepStrictEqual(all, { threshold: 0, samples: 7, answered: 7, coverage: 1, accuracy: 5 / 7 })
    assert.deepStrictEqual(some, { threshold: 0.85, samples: 7, answered: 3, coverage: 3 / 7, accuracy: 1 })
    assert.deepStrictEqual(none, { threshold: 1, samples: 7, answered: 0, coverage: 0, accuracy: null })
    assert.deepStrictEqual(selections({ ...found, logits: new Float32Array(0), labels: new Int32Array(0) }, [0.5])[0], {
      threshold: 0.5,
      samples: 0,
      answered: 0,
      coverage: null,
      accuracy: null
    })
  })

  it("is the smallest one that has the accuracy; those that are equally sure are answered together", () => {
    assert.approximately(smallestThreshold(found, 1).chosen!.threshold, 0.9, 1e-6)
    assert.strictEqual(smallestThreshold(found, 0.8).chosen?.answered, 5)
    assert.strictEqual(smallestThreshold(found, 0.81).chosen?.answered, 3)
    assert.deepStrictEqual(smallestThreshold(found, 0.7).chosen, selections(found, [0])[0])
  })

  it("does not exist where the surest samples are wrong, and the most accurate one is told", () => {
    const wrong = of([
      [0.99, false],
      [0.8, true],
      [0.7, true],
      [0.6, false]
    ])
    const { best, chosen } = smallestThreshold(wrong, 0.9)
    assert.isUndefined(chosen)
    assert.deepStrictEqual([best?.answered, best?.accuracy], [3, 2 / 3])
    assert.deepStrictEqual(smallestThreshold(of([]), 0.5), { chosen: undefined, best: undefined })
  })

  const Sample = Schema.Tuple([Schema.Literals([0.55, 0.6, 0.7, 0.75, 0.9, 0.97]), Schema.Boolean])
  const Accuracy = Schema.Literals([0, 0.5, 0.55, 0.7, 0.95, 1])
  it.effect.prop("is what trying every confidence finds", [Schema.Array(Sample), Accuracy], ([samples, accuracy]) =>
    Effect.sync(() => {
      const found = of(samples)
      const { chosen } = smallestThreshold(found, accuracy)
      const tried = selections(found, [0, 0.545, 0.575, 0.65, 0.72, 0.8, 0.95]).filter(
        (one) => one.accuracy !== null && one.accuracy >= accuracy
      )
      assert.strictEqual(chosen?.answered, tried[0]?.answered)
      if (chosen !== undefined) {
        const [{ threshold: _, ...again }] = [selections(found, [chosen.threshold])[0]!]
        const { threshold: __, ...said } = chosen
        assert.deepStrictEqual(again, said)
      }
    })
  )
})
