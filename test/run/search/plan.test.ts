import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Passenger } from "../../../src/run/search/plan.ts"
import { plan } from "../../../src/run/search/plan.ts"

const frozen = (id: string, frozen = "mobilenet", pass = "p"): Passenger => ({ id, pass, frozen })
const whole = (id: string, pass = "p"): Passenger => ({ id, pass, frozen: null })

it("trials that share a frozen part are one group, for however many places", () => {
  const trials = ["a", "b", "c", "d", "e"].map((id) => frozen(id))
  assert.deepStrictEqual(plan(trials, { places: 1, most: 1 }), [["a", "b", "c", "d", "e"]])
  assert.deepStrictEqual(plan(trials, { places: 4, most: 1 }), [["a", "b", "c", "d", "e"]])
})

it("different frozen parts share decoded batches where there is one place, and none where there are two", () => {
  const trials = [frozen("a"), frozen("b", "vgg"), frozen("c"), frozen("d", "vgg"), frozen("e")]
  assert.deepStrictEqual(plan(trials, { places: 1, most: 4 }), [["a", "c", "e", "b", "d"]])
  assert.deepStrictEqual(plan(trials, { places: 2, most: 4 }), [
    ["a", "c", "e"],
    ["b", "d"]
  ])
})

it("trials that train everything are divided among the places, evenly, and no group has too many", () => {
  const trials = ["a", "b", "c", "d", "e", "f", "g"].map((id) => whole(id))
  assert.deepStrictEqual(plan(trials, { places: 1, most: 7 }), [["a", "b", "c", "d", "e", "f", "g"]])
  assert.deepStrictEqual(
    plan(trials, { places: 3, most: 7 })
      .map(({ length }) => length)
      .toSorted(),
    [2, 2, 3]
  )
  assert.deepStrictEqual(
    plan(trials, { places: 1, most: 2 }).every(({ length }) => length <= 2),
    true
  )
})

it("trials of different passes are never together, whatever the passes are called", () => {
  assert.deepStrictEqual(plan([whole("a", "2"), whole("b", "1"), whole("c", "2")], { places: 1, most: 4 }), [
    ["a", "c"],
    ["b"]
  ])
})

it.effect.prop(
  "every trial is in one group, and there are as many groups as places where that can be",
  {
    trials: Schema.Array(
      Schema.Struct({ pass: Schema.Literals(["p", "q"]), frozen: Schema.NullOr(Schema.Literals(["m", "v"])) })
    ),
    places: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })),
    most: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
  },
  ({ most, places, trials }) =>
    Effect.sync(() => {
      const passengers = trials.map((trial, i) => ({ ...trial, id: `t${i}` }))
      const groups = plan(passengers, { places, most })
      assert.deepStrictEqual(groups.flat().toSorted(), passengers.map(({ id }) => id).toSorted())
      const units = new Set(passengers.map(({ frozen, id, pass }) => `${pass} ${frozen ?? id}`))
      assert.isAtLeast(groups.length, Math.min(places, units.size))
      const byId = new Map(passengers.map((passenger) => [passenger.id, passenger]))
      for (const group of groups) {
        assert.strictEqual(new Set(group.map((id) => byId.get(id)?.pass)).size, 1)
        assert.isAtMost(group.filter((id) => byId.get(id)?.frozen === null).length, most)
      }
    })
)
