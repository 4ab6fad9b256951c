import { assert, describe, it } from "@effect/vitest"
import {
  confirmed,
  gridSize,
  mark,
  moved,
  opened,
  withAhead,
  withGone
} from "../../../../src/layers/desk/page/client/grid.ts"
import { taskOf } from "./tasks.ts"

const tasks = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => taskOf(`p${String(from + i).padStart(3, "0")}`, { type: {} }))
const grid = (count: number) => withAhead(opened("type", "Socks"), tasks(count), gridSize)
const names = (list: ReadonlyArray<{ readonly name: string }>) => list.map(({ name }) => name)

describe("the grid", () => {
  it("shows as many photos as there are keys, and has the next ones ready", () => {
    const { ahead, shown } = grid(50)
    assert.strictEqual(shown.length, 36)
    assert.strictEqual(ahead.length, 14)
  })
  it("confirms all but the marked ones, and goes on to the next page", () => {
    const { next, right, wrong } = confirmed(mark(mark(mark(grid(40), 3), 5), 5), gridSize)
    assert.deepStrictEqual(names(wrong), ["p003"])
    assert.strictEqual(right.length, 35)
    assert.deepStrictEqual(names(next.shown), ["p036", "p037", "p038", "p039"])
    assert.strictEqual(next.wrong.size, 0)
  })
  it("moves no photo while somebody looks: what is answered elsewhere stays in its place, and is not confirmed", () => {
    const before = grid(6)
    const more = withAhead(
      withGone(before, ({ name }) => name === "p002"),
      tasks(3, 90),
      gridSize
    )
    assert.deepStrictEqual(names(more.shown), names(before.shown))
    assert.deepStrictEqual(names(confirmed(more, gridSize).right), ["p000", "p001", "p003", "p004", "p005"])
  })
  it("moves the cursor through rows of different lengths", () => {
    const full = grid(36)
    const at = (by: ReadonlyArray<number>) => by.reduce(moved, full).cursor
    assert.strictEqual(at([10]), 10)
    assert.strictEqual(at([1, 1, 10, 10, 10]), 31)
    // There are nine keys below the ten, and seven below these.
    assert.strictEqual(at([9, 10, 10]), 28)
    assert.strictEqual(at([9, 10, 10, 10]), 35)
    assert.strictEqual(at([-1]), 0)
    assert.strictEqual(moved(grid(5), 10).cursor, 0)
  })
})
