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

  // Targets [0, 0, 0.25, 0.75], [0, 1, 0, 0] and [0.5, 0.5, 0, 0] of PyTorch 2.13's cross_entropy(weight, label_smoothing,
  // reduction="sum") in float64, over the sum of the targets times the weights.
  it.each([
    {
      labelSmoothing: 0,
      weighted: false,
      loss: 1.93838152977,
      gradient: [
        0.0564634009, 0.00764149036, -0.0671562981, 0.00305140683, 0.105755109, -0.319020936, 0.0389051302, 0.174360697,
        -0.134204815, -0.0533636719, 0.186805057, 0.000763429574
      ]
    },
    {
      labelSmoothing: 0.25,
      weighted: true,
      loss: 1.9347752578,
      gradient: [
        0.0424579643, -0.0203665388, -0.0399538004, 0.0178623749, 0.117576952, -0.334524614, 0.0322263018, 0.18472136,
        -0.0209768772, -0.0973218961, 0.137950047, -0.0196512733
      ]
    }
  ])("of softened labels is PyTorch's: smoothing $labelSmoothing, class weights $weighted", (expected) => {
    const softened = [{ labels: Int32Array.of(2, -1, 1), shares: Float32Array.of(0.25, 0, 0.5) }]
    const { gradient, loss } = trainingLoss(
      logits,
      { classes: 4 },
      { labels, softened },
      { labelSmoothing: expected.labelSmoothing, classWeights: expected.weighted ? classWeights : undefined }
    )
    assert.approximately(loss, expected.loss, 1e-9)
    near(gradient, expected.gradient, 1e-7)
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

/** The loss of one row by its definition, in the words of Lin et al., 2017, equation 4. */
const focalLoss = (probability: number, gamma: number) => -((1 - probability) ** gamma) * Math.log(probability)

describe("the focal loss", () => {
  it("is the mean of (1 - p)^gamma times -log p of the true classes, and the plain one where gamma is 0", () => {
    const probabilities = softmax(logits, 4)
    for (const focal of [0, 0.5, 1, 2, 5]) {
      const { loss } = crossEntropy(logits, labels, { ...off, focal })
      const expected = [...labels].reduce((sum, y, row) => sum + focalLoss(probabilities[row * 4 + y]!, focal) / 3, 0)
      assert.approximately(loss, expected, 1e-12, `gamma ${focal}`)
    }
    assert.strictEqual(crossEntropy(logits, labels, { ...off, focal: 0 }).loss, crossEntropy(logits, labels, off).loss)
  })

  it("is torchvision's sigmoid_focal_loss in a column with several values", () => {
    // torchvision.ops.sigmoid_focal_loss(alpha=-1, gamma=2, reduction="mean"), whose source is ce * (1 - p_t) ** gamma.
    const tags = Float32Array.of(0.5, -1.25, 2, -3, 0.25, 1)
    const applies = [1, 0, 0, 1, 1, 0]
    const columns = [{ values: "several", labels: Uint8Array.from(applies), known: Uint8Array.of(1, 1) }] as const
    const { loss } = trainingLoss(
      tags,
      { classes: 3, heads: [{ name: "tags", classes: 3, kind: "sigmoid" }] },
      { labels: Int32Array.of(-1, -1), columns },
      { labelSmoothing: 0, classWeights: undefined, focal: 2 }
    )
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
    const expected = applies.map((one, i) => focalLoss(one === 1 ? sigmoid(tags[i]!) : 1 - sigmoid(tags[i]!), 2))
    assert.approximately(
      loss,
      expected.reduce((sum, one) => sum + one / 6, 0),
      1e-12
    )
  })
})

describe("logit adjustment", () => {
  it("is the loss of Menon et al., 2021, equation 10: log(1 + sum of (pi_j / pi_y)^tau exp(f_j - f_y))", () => {
    const priors = [0.5, 0.1, 0.15, 0.25]
    const tau = 1.5
    const adjustment = Float32Array.from(priors, (prior) => tau * Math.log(prior))
    const { loss } = crossEntropy(logits, labels, { ...off, adjustment })
    const expected = [...labels].map((y, row) => {
      const f = (c: number) => logits[row * 4 + c]!
      const others = priors.map((prior, c) => (c === y ? 0 : (prior / priors[y]!) ** tau * Math.exp(f(c) - f(y))))
      return Math.log(1 + others.reduce((sum, one) => sum + one, 0))
    })
    assert.approximately(
      loss,
      expected.reduce((sum, one) => sum + one / 3, 0),
      1e-6
    )
  })
})

describe("the gradient of a loss of several columns", () => {
  const network = {
    classes: 7,
    heads: [
      { name: "kind", classes: 4, kind: "softmax" },
      { name: "tags", classes: 3, kind: "sigmoid" }
    ]
  } as const
  const values = Float32Array.from({ length: 35 }, (_, i) => 3 * Math.sin(1 + 7 * i))
  const batch: LabelledBatch = {
    labels: Int32Array.of(2, -1, 0, -1, 3),
    columns: [
      { values: "one", labels: Int32Array.of(2, -1, 0, -1, 3) },
      {
        values: "several",
        labels: Uint8Array.of(1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0),
        known: Uint8Array.of(1, 1, 0, 1, 0)
      }
    ],
    mix: { partners: Int32Array.of(4, 0, 1, 2, 3), shares: Float32Array.of(0.75, 0.25, 0.5, 1, 0.125) }
  }
  const { mix: _, ...plain } = batch
  const options: LossOptions = {
    labelSmoothing: 0.1,
    classWeights: Float32Array.of(0.5, 2, 1, 1.5, 3, 0.25, 1.25),
    lossWeights: [0.5, 2],
    adjustment: Float32Array.of(-1, -2, -0.5, 0, 1, -1, 0.5)
  }

  it.each([0, 0.5, 1, 2])("is its slope in every direction, where the focal gamma is %s", (focal) => {
    for (const one of [batch, plain]) {
      const { gradient } = trainingLoss(values, network, one, { ...options, focal })
      for (const [i, expected] of gradient.entries()) {
        const h = 2 ** -8
        const at = (d: number) =>
          trainingLoss(
            values.map((x, j) => (i === j ? x + d : x)),
            network,
            one,
            { ...options, focal }
          ).loss
        assert.approximately((at(h) - at(-h)) / (2 * h), expected, 3e-5, `logit ${i}`)
      }
    }
  })

  it("is 0 for the logits of a column that a row does not know, and its loss does not depend on them", () => {
    const { gradient, loss } = trainingLoss(values, network, plain, options)
    const other = values.slice()
    for (const [row, [kind, tags]] of [
      [true, true],
      [false, true],
      [true, false],
      [false, true],
      [true, false]
    ].entries()) {
      if (!kind) assert.deepStrictEqual([...gradient.subarray(row * 7, row * 7 + 4)], [0, 0, 0, 0])
      if (!tags) assert.deepStrictEqual([...gradient.subarray(row * 7 + 4, row * 7 + 7)], [0, 0, 0])
      if (!kind) other.fill(Number.NaN, row * 7, row * 7 + 4)
      if (!tags) other.fill(Number.POSITIVE_INFINITY, row * 7 + 4, row * 7 + 7)
    }
    assert.deepStrictEqual(trainingLoss(other, network, plain, options), { gradient, loss })
  })

  it("is that of each column alone, times its weight", () => {
    const alone = trainingLoss(
      Float32Array.from(values.filter((_, i) => i % 7 < 4)),
      { classes: 4, heads: [network.heads[0]] },
      { labels: plain.labels, columns: plain.columns!.slice(0, 1) },
      { labelSmoothing: 0, classWeights: undefined }
    )
    const both = trainingLoss(values, network, plain, {
      labelSmoothing: 0,
      classWeights: undefined,
      lossWeights: [0.5, 1]
    })
    near(
      both.gradient.filter((_, i) => i % 7 < 4),
      [...alone.gradient].map((x) => x / 2),
      1e-7
    )
  })
})
