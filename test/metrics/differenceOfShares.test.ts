import { assert, it } from "@effect/vitest"
import { differenceOfShares } from "../../src/metrics/differenceOfShares.ts"

it("has the intervals of Newcombe's table, method 10, and none without samples", () => {
  // Newcombe 1998, table II: 56/70 - 48/80, 9/10 - 3/10, 10/10 - 0/10.
  const of = (a: number, m: number, b: number, n: number) => differenceOfShares({ hits: a, of: m }, { hits: b, of: n })
  const first = of(56, 70, 48, 80)
  assert.closeTo(first?.difference ?? 0, 0.2, 1e-12)
  assert.closeTo(first?.interval.low ?? 0, 0.0524, 5e-5)
  assert.closeTo(first?.interval.high ?? 0, 0.3339, 5e-5)
  const second = of(9, 10, 3, 10)
  assert.closeTo(second?.interval.low ?? 0, 0.1705, 5e-5)
  assert.closeTo(second?.interval.high ?? 0, 0.809, 5e-5)
  const third = of(10, 10, 0, 10)
  assert.closeTo(third?.interval.low ?? 0, 0.6075, 5e-5)
  assert.closeTo(third?.interval.high ?? 0, 1, 5e-5)
  assert.isNull(of(0, 0, 3, 10))
  assert.isNull(of(3, 10, 0, 0))
})
