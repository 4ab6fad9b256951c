import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import { logPlot } from "../../src/cli/plot.ts"

it("draws a curve over powers of ten, with an arrow below what is marked", () => {
  const points = [1e-4, 1e-3, 1e-2, 1e-1, 1].map((x, i) => ({ x, y: [3, 2.5, 1, 2, 2.5][i]! }))
  assert.deepStrictEqual(logPlot(points, [1e-2], { height: 5, width: 27 }).split("\n"), [
    "3.00 │•",
    "     │     •              •",
    "     │               •",
    "     │",
    "1.00 │          •",
    "     └─────────────────────",
    "                ▲",
    "      1e-4 1e-3 0.01 0.1  1"
  ])
})

it.prop(
  "is never wider than it may be, and shows every curve's ends",
  { width: Schema.Int.check(Schema.isBetween({ minimum: 20, maximum: 200 })), ys: Schema.Array(Schema.Int) },
  ({ width, ys }) => {
    const points = [7, ...ys].map((y, i) => ({ x: 10 ** (i / 9 - 7), y: y % 1000 }))
    const lines = logPlot(points, [points.at(-1)!.x], { height: 6, width }).split("\n")
    for (const line of lines) assert.isAtMost(line.length, width)
    assert.strictEqual(lines.length, 9)
    assert.isTrue(lines.slice(0, 6).some((line) => line.includes("•")))
  }
)
