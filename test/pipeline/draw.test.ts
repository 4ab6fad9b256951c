import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { draw, fmix32, fnv1a32, keyOf } from "../../src/pipeline/draw.ts"

const moments = (values: ReadonlyArray<number>) => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length
  const central = (power: number) => values.reduce((sum, x) => sum + (x - mean) ** power, 0) / values.length
  const deviation = Math.sqrt(central(2))
  return { mean, deviation, skew: central(3) / deviation ** 3, kurtosis: central(4) / deviation ** 4 }
}

const correlation = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) => {
  const [ma, mb] = [moments(a), moments(b)]
  const products = a.reduce((sum, x, i) => sum + (x - ma.mean) * ((b[i] ?? 0) - mb.mean), 0)
  return products / a.length / ma.deviation / mb.deviation
}

const many = (n: number, next: (i: number) => number) => Array.from({ length: n }, (_, i) => next(i))

describe("draw", () => {
  it("has MurmurHash3's finaliser: its hash of no bytes is that of the seed", () => {
    // MurmurHash3_x86_32("", seed), from the published test vectors.
    assert.strictEqual(fmix32(0), 0)
    assert.strictEqual(fmix32(1), 0x514e28b7)
    assert.strictEqual(fmix32(0xffffffff), 0x81f16f39)
  })

  it("has FNV-1a: the published vectors", () => {
    assert.strictEqual(fnv1a32(""), 0x811c9dc5)
    assert.strictEqual(fnv1a32("a"), 0xe40c292c)
    assert.strictEqual(fnv1a32("b"), 0xe70c2de5)
    assert.strictEqual(fnv1a32("foobar"), 0xbf9cf968)
    assert.strictEqual(fnv1a32("bar", fnv1a32("foo")), 0xbf9cf968)
    assert.notStrictEqual(fnv1a32("é"), fnv1a32("\u00e8"))
  })

  it("keeps the parts of a key apart, and their order", () => {
    const keys = [
      keyOf("ab", "c"),
      keyOf("a", "bc"),
      keyOf("abc"),
      keyOf("abc", ""),
      keyOf("c", "ab"),
      keyOf(1, 23),
      keyOf(12, 3),
      keyOf("1", "23"),
      keyOf(1, "23")
    ]
    assert.strictEqual(new Set(keys).size, keys.length)
  })

  it("gives 100,000 ids keys that hardly ever meet, and that fill 32 bits evenly", () => {
    const keys = many(100_000, (i) => keyOf(7, `${i}`))
    // By chance, 1.2 pairs are to be expected.
    assert.isAtLeast(new Set(keys).size, 99_990)
    for (let bit = 0; bit < 32; bit++) {
      const ones = keys.filter((key) => (key >>> bit) & 1).length
      assert.approximately(ones, 50_000, 800)
    }
  })

  it("changes half of a key's bits with the smallest change of a part", () => {
    let changed = 0
    for (let i = 0; i < 2000; i++) {
      let difference = keyOf(1, i, "id") ^ keyOf(1, i + 1, "id")
      for (; difference !== 0; difference &= difference - 1) changed += 1
    }
    assert.approximately(changed / 2000, 16, 0.5)
  })

  it("is uniform: chi squared over 64 cells", () => {
    const { next } = draw(3, "uniform")
    const cells = many(64, () => 0)
    for (let i = 0; i < 64_000; i++) cells[Math.floor(next() * 64)]! += 1
    const chi = cells.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)
    // 63 degrees of freedom: within 30 and 110 in all but one in ten thousand.
    assert.isAbove(chi, 30)
    assert.isBelow(chi, 110)
  })

  it("is normal: mean, deviation, skew and kurtosis", () => {
    const { normal } = draw(3, "normal")
    const { deviation, kurtosis, mean, skew } = moments(many(100_000, normal))
    assert.approximately(mean, 0, 0.015)
    assert.approximately(deviation, 1, 0.01)
    assert.approximately(skew, 0, 0.04)
    assert.approximately(kurtosis, 3, 0.08)
  })

  it("does not tell one stream from its neighbour's", () => {
    const of = (...parts: ReadonlyArray<string | number>) => many(20_000, draw(...parts).next)
    const reference = of(1, 1, "id", "flip")
    for (const other of [
      of(2, 1, "id", "flip"),
      of(1, 2, "id", "flip"),
      of(1, 1, "ie", "flip"),
      of(1, 1, "id", "crop")
    ])
      assert.approximately(correlation(reference, other), 0, 0.03)
    assert.approximately(correlation(reference.slice(1), reference.slice(0, -1)), 0, 0.03)
  })

  it("has first draws of neighbouring epochs and ids that are independent and uniform", () => {
    const first = many(20_000, (i) => draw(1, i, "id", "flip").next())
    assert.approximately(correlation(first.slice(1), first.slice(0, -1)), 0, 0.03)
    assert.approximately(moments(first).mean, 0.5, 0.01)
    assert.approximately(moments(first).deviation, Math.sqrt(1 / 12), 0.005)
  })

  it.effect.prop(
    "depends on its parts alone, and stays within its bounds",
    { seed: Schema.Int, id: Schema.String, n: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 })) },
    ({ id, n, seed }) =>
      Effect.sync(() => {
        const [one, other] = [draw(seed, id), draw(seed, id)]
        for (let i = 0; i < 20; i++) {
          assert.strictEqual(one.next(), other.next())
          const below = one.below(n)
          assert.strictEqual(below, other.below(n))
          assert.isTrue(Number.isInteger(below) && below >= 0 && below < n)
          const between = one.between(-n, n)
          assert.strictEqual(between, other.between(-n, n))
          assert.isTrue(between >= -n && between < n)
          assert.strictEqual(one.normal(), other.normal())
        }
      })
  )
})
