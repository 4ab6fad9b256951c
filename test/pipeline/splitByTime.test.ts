import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { splitByTime } from "../../src/pipeline/splitByTime.ts"
import { asDate, timeOf, timeText } from "../../src/pipeline/Time.ts"

const placedOf = (times: ReadonlyArray<string>) =>
  times.map((time, i) => ({ sample: { id: `r${i}`, label: i % 2 }, time: timeOf(time) }))

describe("splitByTime", () => {
  it("gives the newest to test and those before them to validation, a time in one part, and says what divides", () => {
    // 2012 has six of ten rows: a border within it is not possible.
    const placed = placedOf(["2012", "2009", "2012", "2010", "2012", "2013", "2012", "2012", "2011", "2012"])
    const found = splitByTime("list.csv", "year", placed, ["cap", "top"], { validation: 0.1, test: 0.1 })
    const { notes, parts } = Result.getOrThrow(found)
    assert.deepStrictEqual(
      parts.test.map(({ id }) => id),
      ["r5"]
    )
    assert.deepStrictEqual(
      parts.validation.map(({ id }) => id),
      ["r0", "r2", "r4", "r6", "r7", "r9"]
    )
    assert.deepStrictEqual(
      parts.train.map(({ id }) => id),
      ["r1", "r3", "r8"]
    )
    assert.deepStrictEqual(notes, [
      'divided by the column "year": test from 2013 on (1 rows), validation from 2012 on (6), training before that (3)',
      'no test row is of the class "cap": nothing is measured of them'
    ])
  })

  it("leaves a time for each part, and refuses fewer times than parts", () => {
    const few = splitByTime("list.csv", "year", placedOf(["1", "2", "2"]), ["a", "b"], { validation: 0.1, test: 0.1 })
    assert.match(String(Result.isFailure(few) && few.failure.message), /has 2 different times for 3 parts/)
    const three = splitByTime("l", "year", placedOf(["1", "2", "3"]), ["a", "b"], { validation: 0.3, test: 0.45 })
    assert.strictEqual(Result.getOrThrow(three).parts.train.length, 1)
  })

  it("reads numbers and ISO dates in UTC, and nothing else", () => {
    const read = (cell: string) => {
      const time = timeOf(cell)
      return time && timeText(time)
    }
    assert.strictEqual(read(" 2012 "), "2012")
    assert.strictEqual(read("-1.5e3"), "-1500")
    assert.strictEqual(read("2012-05"), "2012-05-01")
    assert.strictEqual(read("2012-05-31"), "2012-05-31")
    assert.strictEqual(read("2012-05-31 10:00"), "2012-05-31T10:00:00Z")
    assert.strictEqual(read("2012-05-31T10:00:00+0200"), "2012-05-31T08:00:00Z")
    for (const cell of ["", "May 2012", "2012-02-30", "2012-13", "31/05/2012", "0x10", "Infinity", "1e999"])
      assert.isUndefined(timeOf(cell), cell)
    assert.deepStrictEqual(asDate({ at: 2012, isDate: false }), timeOf("2012-01-01"))
    assert.isUndefined(asDate({ at: 17, isDate: false }))
  })
})
