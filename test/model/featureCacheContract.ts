import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { Layer } from "effect"
import { FeatureCache } from "../../src/model/FeatureCache.ts"
import type { FeatureSpace } from "../../src/model/FeatureSpace.ts"
import { draw } from "../../src/pipeline/draw.ts"

/** A space of so many numbers a row; `letter` is one hexadecimal digit. */
export const spaceOf = (letter: string, length: number): FeatureSpace => ({
  digest: letter.repeat(64),
  length,
  isPlain: true
})

export const keyOf = (n: number) => n.toString(16).padStart(64, "0")

/** Rows that any bit pattern may be in, those of NaN, infinities and minus zero too; by their keys. */
export const rowsOf = (keys: ReadonlyArray<string>, { digest, length }: FeatureSpace): Float32Array => {
  const bits = new Uint32Array(keys.length * length)
  for (const [i, key] of keys.entries()) {
    const random = draw("features", digest, key)
    for (let k = 0; k < length; k++) bits[i * length + k] = Math.floor(random.next() * 2 ** 32)
    bits[i * length] = [0x7fc00001, 0xff800000, 0x80000000][i % 3]!
  }
  return new Float32Array(bits.buffer)
}

export const bitsOf = (rows: Float32Array) => [...new Uint32Array(rows.buffer, rows.byteOffset, rows.length)]

/** That the cache has exactly these rows of some keys. */
export const assertHas = Effect.fnUntraced(function* (
  space: FeatureSpace,
  keys: ReadonlyArray<string>,
  rows: Float32Array
) {
  const cache = yield* FeatureCache
  const { features, missing } = yield* cache.read(space, keys)
  assert.deepStrictEqual([...missing], [])
  assert.deepStrictEqual(bitsOf(features), bitsOf(rows))
})

/** Declares the tests that every Layer of `FeatureCache` must pass. */
export const featureCacheContract = <E>(name: string, cache: Layer.Layer<FeatureCache, E>) =>
  layer(cache)(`the feature cache ${name}`, (it) => {
    const keys = Array.from({ length: 64 }, (_, i) => keyOf(i * 7 + 1))

    it.effect("gives back what was written, bit for bit, in any order and number", () =>
      Effect.gen(function* () {
        const space = spaceOf("a", 5)
        const rows = rowsOf(keys, space)
        const { read, write } = yield* FeatureCache
        yield* write(space, keys, rows)
        yield* assertHas(space, keys, rows)
        const { features } = yield* read(space, [keys[40]!, keys[3]!, keys[40]!])
        const row = (i: number) => bitsOf(rows.subarray(i * 5, i * 5 + 5))
        assert.deepStrictEqual(bitsOf(features), [...row(40), ...row(3), ...row(40)])
      })
    )

    it.effect("says which keys are missing, and leaves their rows at zero", () =>
      Effect.gen(function* () {
        const space = spaceOf("b", 3)
        const { read, write } = yield* FeatureCache
        const rows = rowsOf(keys.slice(0, 2), space)
        yield* write(space, keys.slice(0, 2), rows)
        const { features, missing } = yield* read(space, [keys[9]!, keys[1]!, keys[8]!, keys[0]!])
        assert.deepStrictEqual([...missing], [0, 2])
        assert.deepStrictEqual(bitsOf(features), [
          0,
          0,
          0,
          ...bitsOf(rows.slice(3)),
          0,
          0,
          0,
          ...bitsOf(rows.slice(0, 3))
        ])
        assert.deepStrictEqual([...(yield* read(space, [])).features], [])
      })
    )

    it.effect("keeps spaces apart", () =>
      Effect.gen(function* () {
        const [one, other] = [spaceOf("c", 4), spaceOf("d", 4)]
        const { read, write } = yield* FeatureCache
        yield* write(one, keys, rowsOf(keys, one))
        assert.strictEqual((yield* read(other, keys)).missing.length, keys.length)
        yield* write(other, keys, rowsOf(keys, other))
        yield* assertHas(one, keys, rowsOf(keys, one))
        yield* assertHas(other, keys, rowsOf(keys, other))
      })
    )

    it.effect("keeps the first row of a key, and changes no array that it was given", () =>
      Effect.gen(function* () {
        const space = spaceOf("e", 4)
        const { write } = yield* FeatureCache
        const rows = rowsOf(keys, space)
        const given = rows.slice()
        yield* write(space, keys, given)
        given.fill(1)
        yield* write(space, keys, given)
        yield* assertHas(space, keys, rows)
        assert.isTrue(given.every((x) => x === 1))
      })
    )

    it.effect("takes writes and reads at the same time", () =>
      Effect.gen(function* () {
        const space = spaceOf("f", 6)
        const { read, write } = yield* FeatureCache
        yield* Effect.forEach(
          keys,
          (key, i) =>
            Effect.andThen(write(space, [key], rowsOf(keys, space).slice(i * 6, i * 6 + 6)), read(space, keys)),
          { concurrency: 8 }
        )
        yield* assertHas(space, keys, rowsOf(keys, space))
      })
    )
  })
