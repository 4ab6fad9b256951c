import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as OnnxProducts from "../../../src/layers/features/OnnxProducts.ts"
import { fitLogistic } from "../../../src/model/baseline/logistic.ts"
import { nearest, unitRows, vote } from "../../../src/model/baseline/nearest.ts"
import { encodeNpy } from "../../../src/model/baseline/npy.ts"
import { principal } from "../../../src/model/baseline/principal.ts"
import type { Matrix } from "../../../src/model/baseline/Products.ts"
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

describe("products of matrices", () => {
  for (const [name, layer] of [
    ["plain loops", Products.layerPlain],
    ["onnxruntime", OnnxProducts.layer]
  ] as const)
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
