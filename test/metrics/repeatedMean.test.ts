import { assert, describe, it } from "@effect/vitest"
import { repeatedMean } from "../../src/metrics/repeatedMean.ts"
import { studentT } from "../../src/metrics/studentT.ts"

describe("the mean of repetitions", () => {
  it("has Student's quantiles as SciPy has them", () => {
    // scipy.stats.t.ppf(0.975, freedom), SciPy 1.17.1
    const scipy = [
      [1, 12.706204736174694],
      [2, 4.302652729749462],
      [3, 3.1824463052837078],
      [4, 2.7764451051977934],
      [9, 2.262157162798205],
      [14, 2.144786687917804],
      [100, 1.9839715185235518],
      [999, 1.9623414611334493]
    ] as const
    for (const [freedom, t] of scipy) assert.approximately(studentT(freedom), t, 1e-12)
  })

  it("over seeds has the interval of scipy.stats.ttest_1samp", () => {
    // stats.ttest_1samp([0.81, 0.84, 0.79, 0.86, 0.8], 0).confidence_interval()
    const found = repeatedMean([0.81, 0.84, 0.79, 0.86, 0.8], undefined)
    assert.approximately(found?.mean ?? 0, 0.82, 1e-15)
    assert.approximately(found?.deviation ?? 0, 0.029154759474226504, 1e-15)
    assert.approximately(found?.interval.low ?? 0, 0.7837995847845628, 1e-12)
    assert.approximately(found?.interval.high ?? 0, 0.8562004152154371, 1e-12)
  })

  it("over folds is as uncertain as Nadeau and Bengio say: with the samples that the folds share", () => {
    const values = [0.81, 0.84, 0.79, 0.86, 0.8]
    const [plain, folded] = [repeatedMean(values, undefined), repeatedMean(values, 5)]
    const width = (one: typeof plain) => (one === null ? 0 : one.interval.high - one.interval.low)
    // sqrt((1/5 + 1/4) / (1/5))
    assert.approximately(width(folded) / width(plain), 1.5, 1e-12)
    assert.strictEqual(folded?.deviation, plain?.deviation)
    // Twice five folds: sqrt(1/10 + 1/4) instead of sqrt(1/10).
    const twice = [...values, ...values]
    assert.approximately(width(repeatedMean(twice, 5)) / width(repeatedMean(twice, undefined)), Math.sqrt(3.5), 1e-12)
  })

  it("is none of a single training", () => {
    assert.isNull(repeatedMean([0.5], undefined))
    assert.isNull(repeatedMean([], 5))
  })
})
