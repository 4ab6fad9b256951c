import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { rowLosses, softmax } from "../../src/metrics/crossEntropy.ts"

// Made with PyTorch 2.13 in float64: torch.nn.functional.cross_entropy(logits, labels, weight, label_smoothing=s).
const logits = Float32Array.of(1.5, -0.5, 0.25, 3, 0, -2, -1, 0.5, 0.75, 2, 2.5, -3)
const labels = Int32Array.of(3, 1, 0)
const near = (actual: ArrayLike<number>, expected: ReadonlyArray<number>, within: number) => {
  assert.strictEqual(actual.length, expected.length)
  for (const [i, x] of expected.entries()) assert.approximately(actual[i]!, x, within, `number ${i}`)
}

describe("rowLosses", () => {
  it("is the plain loss of each row, of which the loss is the mean", () => {
    const losses = rowLosses(logits, labels, 4)
    near(losses, [0.275550333175, 3.14801686567, 2.32907739048], 1e-9)
    assert.approximately(
      losses.reduce((sum, x) => sum + x / 3, 0),
      1.91754819644,
      1e-9
    )
  })
})

describe("softmax", () => {
  it("is PyTorch's", () =>
    near(
      softmax(logits, 4),
      [
        0.169390202795, 0.0229244710728, 0.048531105642, 0.75915422049, 0.317265325677, 0.0429371927116, 0.116715390713,
        0.523082090899, 0.0973855544943, 0.339908984288, 0.560415172497, 0.00229028872064
      ],
      1e-9
    ))

  it.prop(
    "adds up to 1 in each row, and does not change when a number is added to all",
    {
      rows: Schema.Array(Schema.Tuple([Schema.Int, Schema.Int, Schema.Int])).check(Schema.isBetweenLength(1, 5))
    },
    ({ rows }) => {
      const values = rows.flat().map((x) => x % 1000)
      const probabilities = softmax(Float32Array.from(values), 3)
      for (const i of rows.keys())
        assert.approximately(probabilities[3 * i]! + probabilities[3 * i + 1]! + probabilities[3 * i + 2]!, 1, 1e-12)
      near(
        softmax(
          Float32Array.from(values, (x) => x + 77),
          3
        ),
        [...probabilities],
        1e-12
      )
    }
  )
})
