import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import { canonical } from "../../src/pipeline/canonical.ts"

/** The same value with the keys of every object the other way round. */
const reversed = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(reversed)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .map(([key, inner]) => [key, reversed(inner)] as const)
            .toReversed()
        )
      : value

it("orders the keys of every object", () =>
  assert.strictEqual(
    canonical({ b: [{ z: 1, a: null }, 2], a: { d: true, c: "x", none: undefined } }),
    '{"a":{"c":"x","d":true},"b":[{"a":null,"z":1},2]}'
  ))

it.prop("has one text for one value, whatever the order of its keys", [Schema.Json], ([value]) =>
  assert.strictEqual(canonical(reversed(value)), canonical(value))
)

it("keeps the order of a list", () => assert.notStrictEqual(canonical([1, 2]), canonical([2, 1])))
