import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { draw } from "../../src/pipeline/draw.ts"
import { alike, alikePairs, fingerprint, fingerprintBits } from "../../src/pipeline/fingerprint.ts"

/** A picture of smooth blobs, at any size. */
const pictureOf = (seed: string, height: number, width: number, channels: 1 | 3 | 4 = 3) => {
  const { next } = draw("picture", seed)
  const waves = Array.from({ length: 6 }, () => [next() * 9, next() * 9, next() * 6] as const)
  const data = new Uint8Array(height * width * channels)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const value = waves.reduce(
        (sum, [a, b, c]) => sum + Math.sin((a * (y + 0.5)) / height + (b * (x + 0.5)) / width + c),
        0
      )
      for (let c = 0; c < channels; c++) data[(y * width + x) * channels + c] = c === 3 ? 255 : 128 + 20 * value
    }
  return { data, height, width, channels }
}

const differing = (a: string, b: string) =>
  [...a].reduce((sum, digit, i) => {
    const bits = Number.parseInt(digit, 16) ^ Number.parseInt(b[i] ?? "0", 16)
    return sum + [1, 2, 4, 8].filter((bit) => (bits & bit) !== 0).length
  }, 0)

const setBits = (a: string) => differing(a, "0".repeat(a.length))

/** A fingerprint with other bits at some places. */
const flipped = (text: string, places: ReadonlyArray<number>) => {
  const digits = [...text].map((digit) => Number.parseInt(digit, 16))
  for (const place of places) digits[place >> 2] = (digits[place >> 2] ?? 0) ^ (1 << (place & 3))
  return digits.map((digit) => digit.toString(16)).join("")
}

describe("fingerprint", () => {
  it("says of each cell whether it is brighter than the one to its left", () => {
    // One row of 17 pixels is a row of cells; it falls after the third pixel and rises after the tenth.
    const line = [9, 9, 9, 5, 5, 5, 5, 5, 5, 5, 8, 8, 8, 8, 8, 8, 8]
    const raster = { data: Uint8Array.from(line), height: 1, width: 17, channels: 1 }
    assert.strictEqual(fingerprint(raster), "0040".repeat(16))
    // Means by area: 34 columns, two to a cell.
    const wide = Uint8Array.from([...line, ...line].flatMap((_, i) => line[i >> 1] ?? 0))
    assert.strictEqual(fingerprint({ data: wide, height: 1, width: 34, channels: 1 }), "0040".repeat(16))
    // Half of the rows are turned round: 7 to 10 rise at the seventh, fall at the fourteenth cell.
    const two = Uint8Array.from([...line, ...line.toReversed()])
    assert.strictEqual(
      fingerprint({ data: two, height: 2, width: 17, channels: 1 }),
      "0040".repeat(8) + "0004".repeat(8)
    )
  })

  it("is nearly the same at another size, in grey and with alpha, and another for another picture", () => {
    const own = fingerprint(pictureOf("a", 80, 60))
    assert.strictEqual(own.length * 4, fingerprintBits)
    assert.strictEqual(fingerprint(pictureOf("a", 80, 60, 1)), own)
    assert.strictEqual(fingerprint(pictureOf("a", 80, 60, 4)), own)
    assert.isAtMost(differing(own, fingerprint(pictureOf("a", 333, 251))), 10)
    assert.isAtMost(differing(own, fingerprint(pictureOf("a", 40, 31))), 14)
    assert.isAbove(differing(own, fingerprint(pictureOf("b", 80, 60))), 40)
  })
})

describe("alikePairs", () => {
  const Places = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: fingerprintBits - 1 })))
  it.effect.prop(
    "finds the pairs that comparing all with all finds",
    { seed: Schema.Int, changes: Schema.Array(Places.check(Schema.isMaxLength(16))).check(Schema.isMaxLength(30)) },
    ({ changes, seed }) =>
      Effect.sync(() => {
        const dense = fingerprint(pictureOf(String(seed), 40, 40))
        const sparse = flipped("0".repeat(64), [3, 9, 27, 41, 77, 100, 150, 180, 201, 233, 240, 250, 17, 18, 19, 20])
        const all = [dense, sparse, "0".repeat(64), "f".repeat(64)].concat(
          changes.flatMap((places) => [flipped(dense, places), flipped(sparse, places.slice(0, 2))])
        )
        const expected = all.flatMap((a, i) =>
          all.flatMap((b, j) => {
            const bits = differing(a, b)
            const either = (setBits(a) + setBits(b) + bits) / 2
            const isPlain = Math.min(setBits(a), setBits(b)) < alike.leastBits
            return j > i && !isPlain && bits <= alike.bits && bits <= alike.share * either ? [[i, j] as const] : []
          })
        )
        assert.deepStrictEqual(alikePairs(all), expected)
        assert.deepStrictEqual(
          alikePairs([undefined, ...all, "", "zz"]),
          expected.map(([i, j]) => [i + 1, j + 1] as const)
        )
      })
  )
})
