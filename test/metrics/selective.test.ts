import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Predictions } from "../../src/metrics/calibration.ts"
import { draw } from "../../src/pipeline/draw.ts"
import { riskBound, safeThreshold, selections } from "../../src/metrics/selective.ts"

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

  it("has SciPy's upper bounds of binomial risks", () => {
    for (const [errors, samples, delta, bound] of [
      [0, 7, 0.05, 0.34816365513116077],
      [3, 10, 0.05, 0.6066242161054123],
      [12, 400, 0.05 / 9, 0.05897713357204681],
      [200, 4000, 0.05 / 13, 0.05989523097881274],
      [9, 10, 0.01, 0.99899547129175],
      [10, 10, 0.01, 1]
    ] as const)
      assert.approximately(riskBound(errors, samples, delta), bound, 1e-9, `${errors} of ${samples}`)
    assert.strictEqual(riskBound(0, 0, 0.05), 1)
  })

  /** `count` times each: probability, and how many of ten are right. */
  const groups = (count: number, ...all: ReadonlyArray<readonly [probability: number, rightOfTen: number]>) =>
    of(all.flatMap(([p, right]) => Array.from({ length: count }, (_, i) => [p, i % 10 < right] as const)))

  it("is chosen where the bound, not the samples' own share, has the accuracy; equally sure ones go together", () => {
    const found = groups(100, [0.95, 10], [0.9, 10], [0.7, 8], [0.6, 7])
    // 20 numbers are tried. 200 of 200: 1 - (0.05 / 20)^(1 / 200) is 0.0295. 280 of 300 are 93.3 %, and promise 88.4 %.
    const { chosen } = safeThreshold(found, 0.93, 0.95)
    assert.deepInclude(chosen, { threshold: 0.9, answered: 200, accuracy: 1 })
    assert.approximately(chosen!.atLeast, 0.0025 ** (1 / 200), 1e-9)
    assert.strictEqual(safeThreshold(found, 0.88, 0.95).chosen?.answered, 300)
    assert.deepInclude(safeThreshold(found, 0, 0.95).chosen, { threshold: 0, answered: 400 })
    const { chosen: none, best } = safeThreshold(found, 0.99, 0.95)
    assert.isUndefined(none)
    assert.strictEqual(best?.answered, 200)
  })

  it("is found though half of the samples are too few for its bound", () => {
    // Algorithm 2 of the paper tries all 200, then 100, whose bound is 0.05 at best, and then fewer still.
    const found = groups(
      20,
      ...[0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92].map((p) => [p, 10] as const),
      [0.6, 5],
      [0.55, 5]
    )
    assert.strictEqual(safeThreshold(found, 0.95, 0.95).chosen?.answered, 160)
  })

  it("does not exist where the most confident samples are wrong, nor for few samples; the best one is reported", () => {
    const wrong = groups(100, [0.99, 2], [0.8, 9])
    const { best, chosen } = safeThreshold(wrong, 0.9, 0.95)
    assert.isUndefined(chosen)
    assert.strictEqual(best?.answered, 200)
    assert.isUndefined(safeThreshold(groups(30, [0.99, 10]), 0.9, 0.95).chosen)
    assert.deepStrictEqual(safeThreshold(of([]), 0.5, 0.95), { chosen: undefined, best: undefined })
  })

  it("keeps its promise on other samples in 95 of 100 cases, at coverages that are worth having", () => {
    const repeats = 300
    let broken = 0
    let chosen = 0
    let coverage = 0
    for (let repeat = 0; repeat < repeats; repeat++) {
      const random = draw("selective", repeat)
      // Right with the square of the probability: a model that is too sure of itself.
      const samples = Array.from({ length: 800 }, () => {
        const p = 0.5 + 0.5 * random.next() ** 0.3
        return [p, random.next() < p ** 2] as const
      })
      const threshold = safeThreshold(of(samples), 0.85, 0.95).chosen?.threshold
      if (threshold === undefined) continue
      chosen++
      // The mean of p² above the threshold: p = 0.5 + u^0.3 / 2 with u uniform.
      const from = threshold <= 0.5 ? 0 : (2 * threshold - 1) ** (1 / 0.3)
      const integral = (u: number) => u / 4 + u ** 1.3 / 2 / 1.3 + u ** 1.6 / 4 / 1.6
      if ((integral(1) - integral(from)) / (1 - from) < 0.85) broken++
      coverage += (1 - from) / repeats
    }
    assert.isAbove(chosen, 0.9 * repeats)
    assert.isAbove(coverage, 0.3)
    assert.isAtMost(broken / repeats, 0.05)
  })

  const Sample = Schema.Tuple([Schema.Literals([0.55, 0.6, 0.7, 0.75, 0.9, 0.97]), Schema.Boolean])
  it.effect.prop(
    "answers the samples that it says it answers, with four decimals or as many as it takes",
    [Schema.Array(Sample)],
    ([samples]) =>
      Effect.sync(() => {
        const found = of(samples)
        const { best, chosen } = safeThreshold(found, 0.5, 0.6)
        for (const one of [best, chosen]) {
          if (one === undefined) continue
          const { atLeast, ...said } = one
          assert.deepStrictEqual(selections(found, [said.threshold])[0], said)
          assert.isBelow(atLeast, said.accuracy! + 1e-9)
          assert.isAtMost(String(said.threshold).length, 6)
        }
        if (chosen !== undefined) assert.isAtLeast(chosen.atLeast, 0.5)
      })
  )
})
