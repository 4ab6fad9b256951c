import { assert, describe, it } from "@effect/vitest"
import { classOrder } from "../../src/metrics/classOrder.ts"
import * as Confusion from "../../src/metrics/Confusion.ts"

/** Two groups, 0 4 2 and 1 3, whose members lie apart; 5 is confused with nothing. */
const groups = Confusion.fromRows([
  [50, 0, 1, 0, 12, 0],
  [0, 30, 0, 9, 0, 0],
  [2, 0, 80, 0, 16, 0],
  [0, 6, 1, 30, 0, 0],
  [10, 0, 15, 0, 40, 0],
  [0, 0, 0, 0, 0, 20]
])

describe("classOrder", () => {
  it("puts classes that are taken for each other side by side, the most similar ends together", () => {
    const order = classOrder(groups)
    assert.sameMembers([...order], [0, 1, 2, 3, 4, 5])
    const at = (k: number) => order.indexOf(k)
    assert.strictEqual(Math.abs(at(1) - at(3)), 1)
    // 4 is confused with 0 and with 2, which are hardly confused with each other: it stands between them.
    assert.strictEqual(Math.abs(at(0) - at(4)), 1)
    assert.strictEqual(Math.abs(at(2) - at(4)), 1)
    // 3 and 2 are the ends by which the two groups know each other.
    assert.strictEqual(Math.abs(at(3) - at(2)), 1)
    assert.strictEqual(at(5), 5)
  })

  it("leaves classes that nobody confuses as they are", () => {
    assert.deepStrictEqual(
      classOrder(
        Confusion.fromRows([
          [3, 0, 0],
          [0, 0, 0],
          [0, 0, 9]
        ])
      ),
      [0, 1, 2]
    )
    assert.deepStrictEqual(classOrder(Confusion.empty(0)), [])
  })

  it("goes by shares, not by counts: a large class does not draw every other to it", () => {
    const order = classOrder(
      Confusion.fromRows([
        [9000, 30, 0, 0],
        [0, 50, 0, 0],
        [0, 0, 6, 4],
        [0, 0, 4, 6]
      ])
    )
    assert.strictEqual(Math.abs(order.indexOf(2) - order.indexOf(3)), 1)
    assert.strictEqual(Math.abs(order.indexOf(0) - order.indexOf(1)), 1)
  })
})
