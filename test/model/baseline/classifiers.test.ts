import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as OnnxProducts from "../../../src/layers/features/OnnxProducts.ts"
import { fitLogistic, logitsOf } from "../../../src/model/baseline/logistic.ts"
import { nearest, unitRows, vote } from "../../../src/model/baseline/nearest.ts"
import { encodeNpy, npyHeader } from "../../../src/model/baseline/npy.ts"
import { principal } from "../../../src/model/baseline/principal.ts"
import type { Linear, Matrix } from "../../../src/model/baseline/Products.ts"
import { Products } from "../../../src/model/baseline/Products.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { assertNear } from "../engineContract/reference.ts"
import { pythonWith } from "../../python.ts"

const random = draw("baseline")
const matrix = (rows: number, columns: number, value: (row: number, column: number) => number): Matrix => ({
  rows,
  columns,
  data: Float32Array.from({ length: rows * columns }, (_, at) => value(Math.floor(at / columns), at % columns))
})

const classes = 4
/** Rows in clouds that overlap, with some directions far wider than others. */
const clouds = (rows: number) => {
  const labels = Int32Array.from({ length: rows }, () => random.below(classes))
  const features = matrix(
    rows,
    12,
    (row, column) => random.normal() * (column < 3 ? 4 : 0.5) + (labels[row] === column % classes ? 0.6 : 0)
  )
  return { features, labels }
}
const train = clouds(300)
const strengths = [0.001, 0.3, 0.03]

const labelsOfSeven = Int32Array.of(3, 0, 1, 1, 2, 3, 0)

describe("products of matrices", () => {
  for (const [name, layer] of [
    ["plain loops", Products.layerPlain],
    ["onnxruntime", OnnxProducts.layer]
  ] as const) {
    it.effect(`are those of the definition, with either factor transposed, by ${name}`, () =>
      Effect.gen(function* () {
        const { multiply } = yield* Products
        const a = { rows: 2, columns: 3, data: Float32Array.of(1, 2, 3, 4, 5, 6) }
        const b = { rows: 3, columns: 2, data: Float32Array.of(7, -8, 9, 10, -11, 12) }
        const of = (found: Matrix) => [found.rows, found.columns, ...found.data]
        assert.deepStrictEqual(of(yield* multiply(a, b)), [2, 2, -8, 48, 7, 90])
        assert.deepStrictEqual(of(yield* multiply(a, a, "second")), [2, 2, 14, 32, 32, 77])
        assert.deepStrictEqual(of(yield* multiply(a, a, "first")), [3, 3, 17, 22, 27, 22, 29, 36, 27, 36, 45])
      }).pipe(Effect.provide(layer))
    )

    it.effect(`give the loss of a softmax with its gradient, which is that of small steps, by ${name}`, () =>
      Effect.gen(function* () {
        const { softmaxLoss } = yield* Products
        const rows = { features: matrix(7, 3, (row, column) => Math.sin(row * 3 + column)), labels: labelsOfSeven }
        const point = (change = 0, at = -1): Linear => {
          const value = (i: number) => Math.cos(2 * i) + (i === at ? change : 0)
          return {
            weights: matrix(3, 4, (row, column) => value(4 * row + column)),
            bias: Float32Array.of(12, 13, 14, 15).map(value)
          }
        }
        const found = yield* softmaxLoss(rows, point())
        const { bias, weights } = found.gradient
        for (const [at, slope] of [...weights.data, ...bias].entries()) {
          const [above, below] = [yield* softmaxLoss(rows, point(0.02, at)), yield* softmaxLoss(rows, point(-0.02, at))]
          assert.closeTo((above.loss - below.loss) / 0.04, slope, 1e-4, `${at}`)
        }
        // By the definition.
        const probabilities = Array.from({ length: 7 }, (_, row) => {
          const logits = Array.from(point().bias, (one, c) =>
            [0, 1, 2].reduce(
              (sum, i) => sum + (rows.features.data[3 * row + i] ?? NaN) * (point().weights.data[4 * i + c] ?? NaN),
              one
            )
          )
          const sum = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
          return logits.map((logit) => Math.exp(logit) / sum)
        })
        const mean = (of: (p: ReadonlyArray<number>, row: number) => number) =>
          probabilities.reduce((sum, p, row) => sum + of(p, row) / 7, 0)
        assert.closeTo(
          found.loss,
          mean((p, row) => -Math.log(p[labelsOfSeven[row] ?? 0] ?? NaN)),
          1e-5
        )
        assertNear(
          found.spread,
          [0, 1, 2, 3].map((c) => mean((p) => (p[c] ?? NaN) * (1 - (p[c] ?? NaN)))),
          "spread",
          1e-5
        )
      }).pipe(Effect.provide(layer))
    )

    it.effect(`give each row's largest, the first of equal ones first, by ${name}`, () =>
      Effect.gen(function* () {
        const { largest } = yield* Products
        const a = { rows: 2, columns: 2, data: Float32Array.of(1, 0, 0, -1) }
        const b = { rows: 5, columns: 2, data: Float32Array.of(1, 5, 3, -2, 3, 4, 2, -2, 3, -7) }
        const found = yield* largest(a, b, 3)
        assert.deepStrictEqual([...found.indexes], [1, 2, 4, 4, 1, 3])
        assert.deepStrictEqual([...found.values], [3, 3, 3, 7, 2, 2])
        const all = yield* largest(a, b, 9)
        assert.strictEqual(all.count, 5)
        assert.deepStrictEqual([...all.indexes], [1, 2, 4, 3, 0, 4, 1, 3, 2, 0])
      }).pipe(Effect.provide(layer))
    )
  }
})

const sklearn = pythonWith("sklearn", "numpy")

describe("the logistic regression", () => {
  it.effect("ends where the gradient is nothing, however strong the penalty", () =>
    Effect.gen(function* () {
      const found = yield* fitLogistic(train, classes, strengths, yield* principal(train.features, 5))
      assert.deepStrictEqual(
        found.map(({ isConverged, strength }) => [strength, isConverged]),
        [0.3, 0.03, 0.001].map((strength) => [strength, true])
      )
      // The weaker the penalty, the better it fits.
      assert.isAbove(found[0]?.loss ?? 0, found[1]?.loss ?? 0)
      assert.isAbove(found[1]?.loss ?? 0, found[2]?.loss ?? 0)
    }).pipe(Effect.provide(Products.layerPlain))
  )

  it.effect("has scikit-learn's losses and accuracies, of its version 1.9.1 with tol=1e-10", () =>
    Effect.gen(function* () {
      const found = yield* fitLogistic(train, classes, strengths, yield* principal(train.features, 5))
      const expected = [
        { strength: 0.3, loss: 1.0885507, penalised: 1.2068717, right: 211 },
        { strength: 0.03, loss: 0.7250724, penalised: 0.8645637, right: 226 },
        { strength: 0.001, loss: 0.5995912, penalised: 0.6197024, right: 226 }
      ]
      assert.strictEqual(found.length, expected.length)
      for (const [at, { loss, penalised, right, strength }] of expected.entries()) {
        const one = found[at]
        if (one === undefined) return assert.fail("a strength is missing")
        assert.strictEqual(one.strength, strength)
        const squares = one.weights.data.reduce((sum, weight) => sum + weight ** 2, 0)
        const value = one.loss + (strength / 2) * squares
        // It is the minimum: nothing is below, but for rounding.
        assert.isAbove(value, penalised - 1e-6)
        assert.isBelow(value, penalised + 1e-4)
        assert.closeTo(one.loss, loss, 2e-3)
        const logits = yield* logitsOf(train.features, one)
        const own = train.labels.reduce((sum, label, row) => {
          const some = logits.subarray(row * classes, (row + 1) * classes)
          return sum + Number(some.indexOf(Math.max(...some)) === label)
        }, 0)
        assert.closeTo(own, right, 1)
      }
    }).pipe(Effect.provide(OnnxProducts.layer))
  )

  it.effect.skipIf(sklearn === undefined)("is scikit-learn's", () =>
    Effect.gen(function* () {
      const found = yield* fitLogistic(train, classes, strengths, yield* principal(train.features, 5))
      const script = `
import json, sys, numpy as np
from sklearn.linear_model import LogisticRegression
given = json.load(sys.stdin)
x, y = np.array(given["x"]).reshape(len(given["y"]), -1), np.array(given["y"])
fits = [LogisticRegression(C=1 / (s * len(y)), tol=1e-8, max_iter=10000).fit(x, y) for s in given["strengths"]]
print(json.dumps([[f.coef_.T.ravel().tolist(), f.intercept_.tolist()] for f in fits]))`
      const given = {
        x: [...train.features.data],
        y: [...train.labels],
        strengths: found.map(({ strength }) => strength)
      }
      const output = execFileSync(sklearn ?? "", ["-c", script], { input: JSON.stringify(given), encoding: "utf8" })
      const expected = JSON.parse(output) as ReadonlyArray<readonly [ReadonlyArray<number>, ReadonlyArray<number>]> // as above
      for (const [at, [weights, bias]] of expected.entries()) {
        assertNear(found[at]?.weights.data ?? [], weights, "weights", 3e-2)
        // The bias has no penalty: any constant may be added.
        const centred = (all: ReadonlyArray<number>) =>
          all.map((one) => one - all.reduce((a, b) => a + b, 0) / all.length)
        assertNear(centred([...(found[at]?.bias ?? [])]), centred([...bias]), "bias", 3e-2)
      }
    }).pipe(Effect.provide(OnnxProducts.layer))
  )

  it.effect("takes features that never change, and parts with one class alone", () =>
    Effect.gen(function* () {
      const features = matrix(20, 3, (row, column) => (column === 0 ? row / 20 : 0))
      const labels = new Int32Array(20)
      const [found] = yield* fitLogistic({ features, labels }, 2, [0.1], yield* principal(features, 3))
      assert.isTrue(found?.weights.data.every(Number.isFinite))
    }).pipe(Effect.provide(Products.layerPlain))
  )
})

describe("the nearest rows", () => {
  const base = unitRows(clouds(700).features)
  const queries = unitRows(clouds(300).features)

  it.effect("are those of the largest cosines, the most similar first", () =>
    Effect.gen(function* () {
      const found = yield* nearest(queries, base, 4)
      for (const [i, near] of found.entries()) {
        const cosines = Array.from({ length: base.rows }, (_, row) =>
          queries.data
            .subarray(i * 12, (i + 1) * 12)
            .reduce((sum, value, k) => sum + value * (base.data[row * 12 + k] ?? NaN), 0)
        )
        const best = [...cosines.keys()].sort((a, b) => (cosines[b] ?? 0) - (cosines[a] ?? 0)).slice(0, 4)
        assertNear(
          near.map(({ similarity }) => similarity),
          best.map((row) => cosines[row] ?? NaN),
          "similarities",
          1e-5
        )
      }
      assert.strictEqual(found.length, 300)
    }).pipe(Effect.provide(OnnxProducts.layer))
  )

  it.effect("are nearly always the same where they are looked for along few directions first", () =>
    Effect.gen(function* () {
      const exact = yield* nearest(queries, base, 5)
      const quick = yield* nearest(queries, base, 5, yield* principal(base, 6))
      const same = quick.filter((near, i) => near[0]?.row === exact[i]?.[0]?.row).length
      assert.isAbove(same, 280)
      assert.isTrue(quick.every((near) => near.length === 5))
    }).pipe(Effect.provide(OnnxProducts.layer))
  )

  it("vote with what they are like, and not with their number alone", () => {
    const labels = Int32Array.of(0, 1, 1, 2)
    const near = [
      { row: 0, similarity: 0.99 },
      { row: 1, similarity: 0.7 },
      { row: 2, similarity: 0.7 }
    ]
    assert.strictEqual(vote(near, labels, 3, 3), 0)
    assert.strictEqual(vote(near.slice(1), labels, 2, 3), 1)
    assert.strictEqual(vote([], labels, 3, 3), 0)
  })
})

it("NumPy's file has its header as NumPy wants it, and the numbers behind it", () => {
  const bytes = encodeNpy({ rows: 2, columns: 3, data: Float32Array.of(1, 2, 3, 4, 5, 6) })
  const length = new DataView(bytes.buffer).getUint16(8, true)
  assert.strictEqual((10 + length) % 64, 0)
  assert.deepStrictEqual([...bytes.subarray(0, 8)], [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0])
  const header = new TextDecoder().decode(bytes.subarray(10, 10 + length))
  assert.match(header, /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3\), \} *\n$/)
  assert.deepStrictEqual([...new Float32Array(bytes.slice(10 + length).buffer)], [1, 2, 3, 4, 5, 6])
})

it("NumPy's header is as long for any number of rows, so that it can be written again", () => {
  const lengths = [0, 1, 10 ** 6, Number.MAX_SAFE_INTEGER].map((count) => npyHeader(count, count).length)
  assert.deepStrictEqual([...new Set(lengths)], [128])
})
