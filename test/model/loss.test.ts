import { assert, describe, it } from "@effect/vitest"
import { rowLosses, softmax } from "../../src/metrics/crossEntropy.ts"
import type { LabelledBatch, LossOptions } from "../../src/model/loss.ts"
import { trainingLoss } from "../../src/model/loss.ts"

// Made with PyTorch 2.13 in float64: torch.nn.functional.cross_entropy(logits, labels, weight, label_smoothing=s).
const logits = Float32Array.of(1.5, -0.5, 0.25, 3, 0, -2, -1, 0.5, 0.75, 2, 2.5, -3)
const labels = Int32Array.of(3, 1, 0)
const classWeights = Float32Array.of(0.5, 2, 1, 1.5)
const cases = [
  {
    labelSmoothing: 0,
    weighted: false,
    loss: 1.91754819644,
    gradient: [
      0.0564634009, 0.00764149036, 0.0161770352, -0.0802819265, 0.105755109, -0.319020936, 0.0389051302, 0.174360697,
      -0.300871482, 0.113302995, 0.186805057, 0.000763429574
    ]
  },
  {
    labelSmoothing: 0.1,
    weighted: false,
    loss: 1.94254819644,
    gradient: [
      0.0481300676, -0.000691842976, 0.00784370188, -0.0552819265, 0.0974217752, -0.294020936, 0.0305717969,
      0.166027364, -0.275871482, 0.104969661, 0.178471724, -0.00756990376
    ]
  },
  {
    labelSmoothing: 0,
    weighted: true,
    loss: 1.96847448159,
    gradient: [
      0.063521326, 0.00859667665, 0.0181991646, -0.0903171673, 0.158632663, -0.478531404, 0.0583576954, 0.261541045,
      -0.112826806, 0.042488623, 0.0700518966, 0.00028628609
    ]
  },
  {
    labelSmoothing: 0.25,
    weighted: true,
    loss: 2.02148434473,
    gradient: [
      0.0530621041, -0.0230115182, 0.00181586609, -0.031866452, 0.135948351, -0.386794085, 0.0372616614, 0.213584072,
      -0.0848243578, 0.0271718567, 0.0806963578, -0.0230438566
    ]
  }
]
const off = { classes: 4, labelSmoothing: 0, classWeights: undefined }

const near = (actual: ArrayLike<number>, expected: ReadonlyArray<number>, within: number) => {
  assert.strictEqual(actual.length, expected.length)
  for (const [i, x] of expected.entries()) assert.approximately(actual[i]!, x, within, `number ${i}`)
}

/** The loss of a network with one column of `classes`. */
const crossEntropy = (
  logits: Float32Array,
  labels: Int32Array,
  { classes, mix, ...options }: LossOptions & { readonly classes: number; readonly mix?: LabelledBatch["mix"] }
) => trainingLoss(logits, { classes }, { labels, ...(mix && { mix }) }, options)

describe("the loss of one column", () => {
  it.each(cases)("is PyTorch's: smoothing $labelSmoothing, class weights $weighted", (expected) => {
    const { gradient, loss } = crossEntropy(logits, labels, {
      classes: 4,
      labelSmoothing: expected.labelSmoothing,
      classWeights: expected.weighted ? classWeights : undefined
    })
    assert.approximately(loss, expected.loss, 1e-9)
    near(gradient, expected.gradient, 1e-7)
  })

  it("of two labels is the mean of the losses of each, by their shares", () => {
    const partners = Int32Array.of(2, 1, 0)
    const others = Int32Array.of(0, 1, 3)
    const shares = Float32Array.of(0.25, 0.5, 1)
    const { gradient, loss } = crossEntropy(logits, labels, { ...off, mix: { partners, shares } })
    const [first, second] = [rowLosses(logits, labels, 4), rowLosses(logits, others, 4)]
    const expected = [...shares].reduce((sum, share, i) => sum + share * first[i]! + (1 - share) * second[i]!, 0) / 3
    assert.approximately(loss, expected, 1e-12)
    const probabilities = softmax(logits, 4)
    near(
      gradient.subarray(0, 4),
      [(probabilities[0]! - 0.75) / 3, probabilities[1]! / 3, probabilities[2]! / 3, (probabilities[3]! - 0.25) / 3],
      1e-7
    )
  })

  it("survives logits of any size", () => {
    const { gradient, loss } = crossEntropy(Float32Array.of(1e30, -1e30, 0, 5e3, 4e3, 0), Int32Array.of(0, 1), {
      ...off,
      classes: 3
    })
    assert.approximately(loss, 500, 1e-9)
    near(gradient, [0, 0, 0, 0.5, -0.5, 0], 1e-9)
  })

  it("is NaN where a logit is", () => {
    assert.isNaN(crossEntropy(Float32Array.of(1, Number.NaN), Int32Array.of(0), { ...off, classes: 2 }).loss)
  })
})
