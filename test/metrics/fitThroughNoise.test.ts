import { assert, describe, it } from "@effect/vitest"
import { fitTemperature } from "../../src/metrics/fitTemperature.ts"
import { fitThroughNoise } from "../../src/metrics/fitThroughNoise.ts"
import { softmax } from "../../src/metrics/crossEntropy.ts"
import { draw } from "../../src/pipeline/draw.ts"

/** Logits whose softmax at a temperature gives the labels, but for a share of labels at random. */
const drawnAt = (temperature: number, share: number) => {
  const classes = 8
  const samples = 3000
  const random = draw("noise", temperature, share)
  const logits = Float32Array.from({ length: samples * classes }, () => 4 * temperature * random.normal())
  const probabilities = softmax(
    logits.map((logit) => logit / temperature),
    classes
  )
  const labels = Int32Array.from({ length: samples }, (_, row) => {
    if (random.next() < share) return random.below(classes)
    let left = random.next()
    const label = probabilities.subarray(row * classes, (row + 1) * classes).findIndex((p) => (left -= p) < 0)
    return Math.max(0, label)
  })
  return { classes, labels, logits }
}

describe("fitThroughNoise", () => {
  for (const [temperature, share] of [
    [1, 0],
    [2.5, 0],
    [0.5, 0.05],
    [3, 0.15]
  ] as const)
    it(`finds the temperature ${temperature} beside a share of ${share} of random labels`, () => {
      const found = fitThroughNoise(drawnAt(temperature, share))
      assert.approximately(Math.log(found.temperature), Math.log(temperature), 0.1)
      assert.approximately(found.share, share, 0.015)
    })

  it("is plain temperature scaling's where no label is random, which random labels would deceive", () => {
    const right = drawnAt(1, 0)
    assert.approximately(fitThroughNoise(right).temperature, fitTemperature(right), 0.05)
    assert.isAbove(fitTemperature(drawnAt(1, 0.05)), 1.2)
    assert.approximately(fitThroughNoise(drawnAt(1, 0.05)).temperature, 1, 0.1)
  })

  it("leaves the logits as they are where nothing can be fitted", () => {
    const nothing = { classes: 3, logits: new Float32Array(0), labels: new Int32Array(0) }
    assert.deepStrictEqual(fitThroughNoise(nothing), { temperature: 1, share: 0 })
    const none = { classes: 2, logits: Float32Array.of(NaN, NaN), labels: Int32Array.of(1) }
    assert.deepStrictEqual(fitThroughNoise(none), { temperature: 1, share: 0 })
  })
})
