import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Predictions } from "../../src/metrics/calibration.ts"
import { calibrationMetrics, cooled, reliability } from "../../src/metrics/calibration.ts"
import { fitTemperature } from "../../src/metrics/fitTemperature.ts"
import { predictions } from "../../src/metrics/topK.ts"

/** 23 samples of 4 classes, every third of them at odds with its logits; Python had the same numbers. */
const found: Predictions = {
  classes: 4,
  logits: Float32Array.from({ length: 23 * 4 }, (_, k) => {
    const i = Math.floor(k / 4)
    const j = k % 4
    return ((i * 37 + j * 61 + ((i * j) % 11) * 13) % 97) / 12 - 4
  }),
  labels: Int32Array.of(1, 2, 0, 0, 2, 0, 3, 3, 2, 2, 0, 1, 1, 0, 3, 0, 2, 1, 3, 1, 2, 2, 2)
}

/** The temperature by L-BFGS, loss and error by PyTorch 2.13 and numpy in float64, from the definitions. */
const expected = {
  temperature: 2.80249637,
  lossBefore: 1.5186014234815062,
  lossAfter: 1.16829292052664,
  eceBefore: 0.32985950500173067,
  eceAfter: 0.2545362839500543
}

/** [bin, samples, confidence, accuracy] of the bins that hold a sample. */
const binsAfter = [
  [4, 3, 0.300122565734166, 0.6666666666666666],
  [5, 2, 0.3697794429334257, 1],
  [6, 6, 0.4304526417503815, 0.5],
  [7, 2, 0.49275622194238256, 1],
  [8, 7, 0.5687531323887993, 0.42857142857142855],
  [9, 2, 0.6137787675071398, 1],
  [10, 1, 0.6912249833996634, 1]
]

describe("calibration", () => {
  it("finds PyTorch's temperature, and the loss and error of the definitions before and after", () => {
    const temperature = fitTemperature(found)
    assert.approximately(temperature, expected.temperature, 1e-7)
    const figures = calibrationMetrics(found, temperature, 15)
    for (const key of ["lossBefore", "lossAfter", "eceBefore", "eceAfter"] as const)
      assert.approximately(figures[key] ?? Number.NaN, expected[key], 1e-6, key)
    const filled = figures.binsAfter.flatMap((bin, i) => (bin.samples > 0 ? [{ i, ...bin }] : []))
    assert.deepStrictEqual(
      filled.map(({ i, samples }) => [i, samples]),
      binsAfter.map(([i, samples]) => [i, samples])
    )
    for (const [k, [, , confidence, accuracy]] of binsAfter.entries()) {
      assert.approximately(filled[k]?.confidence ?? Number.NaN, confidence!, 1e-6)
      assert.approximately(filled[k]?.accuracy ?? Number.NaN, accuracy!, 1e-12)
    }
    assert.deepStrictEqual(figures.binsBefore[0], { samples: 0, confidence: null, accuracy: null })
  })

  it("counts a confidence on a border to the bin below it", () => {
    // Two classes alike: exactly one half, the upper end of the first of two bins.
    const half = reliability({ classes: 2, logits: new Float32Array(2), labels: Int32Array.of(0) }, 2)
    assert.deepStrictEqual(half, {
      ece: 0.5,
      bins: [
        { samples: 1, confidence: 0.5, accuracy: 1 },
        { samples: 0, confidence: null, accuracy: null }
      ]
    })
  })

  it("leaves the temperature at 1 where it can learn nothing: no samples, none wrong, logits that are no numbers", () => {
    const none: Predictions = { classes: 3, logits: new Float32Array(0), labels: new Int32Array(0) }
    assert.strictEqual(fitTemperature(none), 1)
    assert.isNull(reliability(none, 15).ece)
    assert.strictEqual(fitTemperature({ ...found, labels: predictions(found.logits, 4) }), 1)
    assert.strictEqual(fitTemperature({ ...found, logits: found.logits.map((x, i) => (i === 7 ? Number.NaN : x)) }), 1)
  })

  it("ends at a hundred where the logits are worse than none", () => {
    const worst = found.logits.map((x) => -x)
    assert.strictEqual(fitTemperature({ ...found, logits: worst, labels: predictions(found.logits, 4) }), 100)
  })

  const Scale = Schema.Finite.check(Schema.isBetween({ minimum: 0.05, maximum: 20 }))
  it.effect.prop(
    "scales with the logits, is the smallest loss about, and changes no prediction",
    [Scale, Scale],
    ([scale, other]) =>
      Effect.sync(() => {
        const scaled = { ...found, logits: found.logits.map((x) => x * scale) }
        const temperature = fitTemperature(scaled)
        assert.approximately(temperature / scale, expected.temperature, 1e-4)
        const { lossAfter } = calibrationMetrics(scaled, temperature, 15)
        const { lossAfter: elsewhere } = calibrationMetrics(scaled, temperature * other, 15)
        assert.isAtMost(lossAfter!, elsewhere! + 1e-6)
        assert.deepStrictEqual(predictions(cooled(scaled.logits, temperature), 4), predictions(scaled.logits, 4))
      })
  )
})
