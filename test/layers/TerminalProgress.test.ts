import { assert, describe, it } from "@effect/vitest"
import { duration } from "../../src/figures.ts"
import { lineOf } from "../../src/layers/TerminalProgress.ts"

const step = {
  _tag: "Step",
  epoch: 1,
  epochs: 4,
  step: 30,
  steps: 60,
  loss: 0.51234,
  accuracy: 0.875,
  imagesPerSecond: 187.4,
  waiting: 0.01,
  secondsLeft: 75,
  refused: 0
} as const

describe("the progress line", () => {
  it("says seconds as a person does", () => {
    assert.deepStrictEqual([0.4, 59.4, 59.6, 185, 3599.7, 7800].map(duration), [
      "0 s",
      "59 s",
      "1 min 00 s",
      "3 min 05 s",
      "1 h 00 min",
      "2 h 10 min"
    ])
  })

  it("has the epoch, a bar, the time left, the speed and the means so far", () => {
    const { lasting, text } = lineOf(step, 10)
    assert.isFalse(lasting)
    assert.strictEqual(text, "epoch 2/4 ━━━━━───── 30/60  1 min 15 s left  187 images/s  loss 0.5123  accuracy 87.5 %")
  })

  it("speaks of waiting and of faulty rows where there are such", () => {
    const { text } = lineOf({ ...step, waiting: 0.21, refused: 3 }, 0)
    assert.match(text, /waiting 21\.0 % {2}3 refused$/)
  })

  it("sums an epoch up in a line that stays, and marks the best", () => {
    const record = {
      epoch: 2,
      trainLoss: 0.5,
      trainAccuracy: 0.9,
      validationLoss: 0.4,
      validationAccuracy: 0.95,
      learningRate: 0.001,
      imagesPerSecond: 200,
      seconds: 61
    }
    const { lasting, text } = lineOf({ _tag: "Epoch", epochs: 10, record, best: true }, 0)
    assert.isTrue(lasting)
    assert.strictEqual(
      text,
      "epoch  2/10  train 0.5000 90.0 %  validation 0.4000 95.0 %  200 images/s  1 min 01 s  *best"
    )
    const waiting = { ...record, waiting: 0.123 }
    assert.match(
      lineOf({ _tag: "Epoch", epochs: 10, record: waiting, best: true }, 0).text,
      /200 images\/s {2}1 min 01 s {2}waiting 12\.3 % {2}\*best$/
    )
  })
})
