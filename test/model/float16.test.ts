import { assert, describe, it } from "@effect/vitest"
import { halfOf, halves } from "../../src/model/float16.ts"

/** The number of 16 bits, by IEEE 754's definition. */
const numberOf = (half: number): number => {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

describe("halfOf", () => {
  it("gives every number of half precision its own bits back", () => {
    for (let half = 0; half < 0x10000; half++) {
      const value = numberOf(half)
      if (Number.isNaN(value)) assert.isNaN(numberOf(halfOf(value)))
      else assert.strictEqual(halfOf(value), half, String(value))
    }
  })

  it("rounds to the nearest, and to even in the middle, between all neighbours", () => {
    for (let half = 0; half < 0x7bff; half++) {
      const [low, high] = [numberOf(half), numberOf(half + 1)]
      const middle = (low + high) / 2
      assert.strictEqual(halfOf(middle), half % 2 === 0 ? half : half + 1, String(middle))
      assert.strictEqual(halfOf(-middle), (half % 2 === 0 ? half : half + 1) | 0x8000)
      assert.strictEqual(halfOf(low + (high - low) / 4), half)
      assert.strictEqual(halfOf(low + (3 * (high - low)) / 4), half + 1)
    }
  })

  it("is infinite beyond what half precision has, and zero below", () => {
    assert.strictEqual(halfOf(65_519), 0x7bff)
    assert.strictEqual(halfOf(65_520), 0x7c00)
    assert.strictEqual(halfOf(-1e38), 0xfc00)
    assert.strictEqual(halfOf(2 ** -25), 0)
    assert.strictEqual(halfOf(-1e-30), 0x8000)
  })
})

describe("halves", () => {
  it("refuses numbers that would become infinite, and keeps infinities", () => {
    assert.isUndefined(halves(Float32Array.of(1, 7e4)))
    assert.deepStrictEqual(halves(Float32Array.of(1, -Infinity)), Uint16Array.of(0x3c00, 0xfc00))
  })
})
